//! ListRuleExecutions: the rules that were checked, newest first; of one execution when asked so.
//! <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_ListRuleExecutions.html>

use std::collections::{BTreeMap, BTreeSet};

use base::{ApiError, PageToken, Timestamp};
use engine::pipeline::{ConditionRun, Execution, ExecutionState, RuleRun};
use formats::pipeline::RuleTypeId;
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::machine::{self, MachineRow, Position};

use super::view::{self, ArtifactDetail, ExecutionResult};
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

/// Which rule executions.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Filter {
    pub pipeline_execution_id: Option<String>,
    pub latest_in_pipeline_execution: Option<Latest>,
}

/// The latest of one execution: with `Latest` of each rule the newest run alone.
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
    pub rule_execution_details: Vec<RuleDetail>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// One rule that was checked.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleDetail {
    pub pipeline_execution_id: String,
    pub rule_execution_id: String,
    pub pipeline_version: u32,
    pub stage_name: String,
    pub rule_name: String,
    pub start_time: Timestamp,
    pub last_update_time: Timestamp,
    pub status: &'static str,
    pub input: RuleInput,
    pub output: RuleOutput,
}

/// What it was given.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleInput {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule_type_id: Option<RuleTypeId>,
    pub configuration: BTreeMap<String, String>,
    pub resolved_configuration: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    pub region: String,
    pub input_artifacts: Vec<ArtifactDetail>,
}

/// What came of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleOutput {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution_result: Option<ExecutionResult>,
}

/// Lists rule executions.
pub async fn list_rule_executions(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let limit = input.max_results.unwrap_or(100).clamp(1, 100) as usize;
    let scope = cx.scope();
    let filter = input.filter.unwrap_or_default();
    let newest = filter.latest_in_pipeline_execution.as_ref().is_some_and(|l| l.start_time_range == "Latest");
    let only =
        load::only(filter.pipeline_execution_id, filter.latest_in_pipeline_execution.map(|l| l.pipeline_execution_id))?;
    let of = only.as_deref().unwrap_or_default();
    let list = format!("ListRuleExecutions:{}:{of}:{newest}", input.pipeline_name);
    let begin = input.next_token.as_deref().map(|t| mark(&list, t)).transpose()?;
    let mut tx = cx.store.read().await?;
    let pipeline = load::pipeline(&mut tx, scope, &input.pipeline_name).await?;
    let arn = load::arn(scope, &pipeline.name);
    // The execution in which the last page ended is read by its id, those behind it by their place.
    let first = match (&only, &begin) {
        (Some(id), _) => Some(load::execution(&mut tx, scope, &pipeline, id).await?),
        (None, Some((_, at))) => Some(load::execution(&mut tx, scope, &pipeline, &at.id).await?),
        (None, None) => None,
    };
    let mut page = Page { limit, newest, details: Vec::new(), end: None };
    let mut full = first.as_ref().is_some_and(|row| page.take(row, begin.as_ref().map_or(0, |(taken, _)| *taken)));
    let mut after = begin.map(|(_, at)| at);
    while only.is_none() && !full {
        let rows = machine::list::<Execution>(&mut tx, scope, Some(&arn), after.as_ref(), BATCH, true).await?;
        let is_last = rows.len() < BATCH as usize;
        for row in rows.iter().take_while(|r| load::belongs(r, scope, &pipeline)) {
            full = full || page.take(row, 0);
            after = Some(row.position());
        }
        if is_last || rows.last().is_some_and(|r| !load::belongs(r, scope, &pipeline)) {
            break;
        }
    }
    let token =
        |(taken, at): (usize, Position)| PageToken::after(&list, &format!("{taken}:{}", at.to_text())).into_string();
    Ok(Output { rule_execution_details: page.details, next_token: page.end.filter(|_| full).map(token) })
}

struct Page {
    limit: usize,
    newest: bool,
    details: Vec<RuleDetail>,
    /// Behind which rule of which execution it ended.
    end: Option<(usize, Position)>,
}

impl Page {
    /// Takes an execution's rules, the latest first, behind the first `skip`. True when there was one too many.
    fn take(&mut self, row: &MachineRow<Execution>, skip: usize) -> bool {
        let state = &row.state;
        let checks =
            state.stages.iter().rev().flat_map(|s| s.conditions.iter().rev().map(move |c| (s.name.as_str(), c)));
        let runs = checks.flat_map(|(stage, c)| c.rules.iter().rev().map(move |r| (stage, c, r)));
        let mut seen = BTreeSet::new();
        let runs = runs.filter(|(stage, c, r)| !self.newest || seen.insert((*stage, c.kind.member(), r.name.as_str())));
        let mut details = Vec::new();
        let mut full = false;
        for (n, (stage, condition, run)) in runs.enumerate().skip(skip) {
            if self.details.len() + details.len() == self.limit {
                full = true;
                break;
            }
            details.push(detail(state, stage, condition, run));
            self.end = Some((n + 1, row.position()));
        }
        self.details.extend(details);
        full
    }
}

fn detail(state: &ExecutionState, stage: &str, condition: &ConditionRun, run: &RuleRun) -> RuleDetail {
    let declared = state.definition.stage(stage).and_then(|s| s.condition(condition.kind));
    let declared = declared.and_then(|c| c.rules.iter().find(|r| r.name == run.name));
    RuleDetail {
        pipeline_execution_id: state.id.clone(),
        rule_execution_id: run.id.clone(),
        pipeline_version: state.version,
        stage_name: stage.to_owned(),
        rule_name: run.name.clone(),
        start_time: run.started,
        last_update_time: run.updated,
        status: run.status.as_str(),
        input: RuleInput {
            rule_type_id: declared.map(|r| r.rule_type_id.clone()),
            configuration: declared.map(|r| r.configuration.clone()).unwrap_or_default(),
            resolved_configuration: run.resolved.clone(),
            role_arn: declared.and_then(|r| r.role_arn.clone()),
            region: state.scope.region.to_string(),
            input_artifacts: view::artifacts(&run.inputs),
        },
        output: RuleOutput { execution_result: view::rule_result(run) },
    }
}

fn mark(list: &str, token: &str) -> Result<(usize, Position), ApiError> {
    let text = PageToken::position(list, token).map_err(|_| errors::invalid_token())?;
    let (taken, at) = text.split_once(':').ok_or_else(errors::invalid_token)?;
    let taken = taken.parse().map_err(|_| errors::invalid_token())?;
    Ok((taken, Position::parse(at).ok_or_else(errors::invalid_token)?))
}
