//! ListActionExecutions: action executions, newest first; of one execution when asked so.
//! <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_ListActionExecutions.html>

use std::collections::BTreeSet;

use base::{ApiError, PageToken};
use engine::pipeline::{Execution, ExecutionState};
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::machine::{self, MachineRow, Position};

use super::view::{self, ActionDetail};
use super::{errors, load};

/// Executions read at once.
const BATCH: u32 = 50;

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub pipeline_name: String,
    #[serde(default)]
    pub filter: Option<Filter>,
    #[serde(default)]
    pub max_results: Option<u32>,
    #[serde(default)]
    pub next_token: Option<String>,
}

/// Which action executions.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Filter {
    pub pipeline_execution_id: Option<String>,
    pub latest_in_pipeline_execution: Option<Latest>,
}

/// The latest of one execution: with `Latest` of each action the newest run alone.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Latest {
    pub pipeline_execution_id: String,
    /// `Latest` or `All`.
    pub start_time_range: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub action_execution_details: Vec<ActionDetail>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// Where a page ended: in which execution, and behind how many of its actions.
struct Mark {
    at: Position,
    taken: usize,
}

/// Lists action executions.
pub async fn list_action_executions(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let limit = input.max_results.unwrap_or(100).clamp(1, 100) as usize;
    let scope = cx.scope();
    let filter = input.filter.unwrap_or_default();
    let newest = filter.latest_in_pipeline_execution.as_ref().is_some_and(|l| l.start_time_range == "Latest");
    let only =
        load::only(filter.pipeline_execution_id, filter.latest_in_pipeline_execution.map(|l| l.pipeline_execution_id))?;
    let which = only.as_deref().unwrap_or_default();
    let list = format!("ListActionExecutions:{}:{which}:{newest}", input.pipeline_name);
    let which = if newest { Which::Newest } else { Which::All };
    let mut page = Page { which, limit, details: Vec::new(), end: None };
    let begin = input.next_token.as_deref().map(|t| mark(&list, t)).transpose()?;
    let mut tx = cx.store.read().await?;
    let pipeline = load::pipeline(&mut tx, scope, &input.pipeline_name).await?;
    let arn = load::arn(scope, &pipeline.name);
    // The execution in which the last page ended is read by its id, those behind it by their place.
    let first = match (&only, &begin) {
        (Some(id), _) => Some(load::execution(&mut tx, scope, &pipeline, id).await?),
        (None, Some(mark)) => Some(load::execution(&mut tx, scope, &pipeline, &mark.at.id).await?),
        (None, None) => None,
    };
    let skip = begin.as_ref().map_or(0, |m| m.taken);
    let mut full = first.as_ref().is_some_and(|row| page.take(row, skip));
    let mut after = begin.map(|m| m.at);
    while only.is_none() && !full {
        let rows = machine::list::<Execution>(&mut tx, scope, Some(&arn), after.as_ref(), BATCH, true).await?;
        let last = rows.len() < BATCH as usize;
        for row in rows.iter().take_while(|r| load::belongs(r, scope, &pipeline)) {
            full = full || page.take(row, 0);
            after = Some(row.position());
        }
        if last || rows.last().is_some_and(|r| !load::belongs(r, scope, &pipeline)) {
            break;
        }
    }
    let token = |m: Mark| PageToken::after(&list, &format!("{}:{}", m.taken, m.at.to_text())).into_string();
    Ok(Output { action_execution_details: page.details, next_token: page.end.filter(|_| full).map(token) })
}

/// Which runs of an action.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    All,
    Newest,
}

struct Page {
    which: Which,
    limit: usize,
    details: Vec<ActionDetail>,
    /// Behind the last one taken.
    end: Option<Mark>,
}

impl Page {
    /// Takes an execution's actions, the latest first, behind the first `skip`. True when there was one too many.
    fn take(&mut self, row: &MachineRow<Execution>, skip: usize) -> bool {
        let newest = match self.which {
            Which::All => None,
            Which::Newest => Some(newest(&row.state)),
        };
        let runs = row.state.stages.iter().rev().flat_map(|s| s.actions.iter().rev().map(move |a| (s, a)));
        let runs = runs.filter(|(_, a)| newest.as_ref().is_none_or(|newest| newest.contains(a.key.as_str())));
        for (n, (stage, run)) in runs.enumerate().skip(skip) {
            if self.details.len() == self.limit {
                return true;
            }
            self.details.extend(view::action_detail(&row.state, &stage.name, run));
            self.end = Some(Mark { at: row.position(), taken: n + 1 });
        }
        false
    }
}

/// The keys of the newest runs of all actions. A run that the matrix does not have any more is none of them.
fn newest(state: &ExecutionState) -> BTreeSet<&str> {
    let declared = state.definition.stages.iter().flat_map(|s| s.actions.iter().map(move |a| (s, a)));
    declared.flat_map(|(s, a)| state.latest_runs(&s.name, a)).map(|run| run.key.as_str()).collect()
}

fn mark(list: &str, token: &str) -> Result<Mark, ApiError> {
    let text = PageToken::position(list, token).map_err(|_| errors::invalid_token())?;
    let (taken, at) = text.split_once(':').ok_or_else(errors::invalid_token)?;
    let taken = taken.parse().map_err(|_| errors::invalid_token())?;
    Ok(Mark { at: Position::parse(at).ok_or_else(errors::invalid_token)?, taken })
}
