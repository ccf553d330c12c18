//! ListPipelineExecutions: a pipeline's executions, newest first.
//! <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_ListPipelineExecutions.html>
//!
//! Filtered by a stage, those in which it succeeded by the pipeline's current version: what a rollback may go back to.

use base::{ApiError, Machine, PageToken, Timestamp};
use engine::pipeline::{Execution, StageStatus};
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::machine::{self, MachineRow, Position};

use super::view::{self, RevisionSummary, RollbackMetadata, Trigger};
use super::{errors, load};

/// Rows read at once while a filter looks for its matches.
const BATCH: u32 = 100;

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub pipeline_name: String,
    #[serde(default)]
    pub max_results: Option<u32>,
    #[serde(default)]
    pub filter: Option<Filter>,
    #[serde(default)]
    pub next_token: Option<String>,
}

/// Which executions.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Filter {
    #[serde(default)]
    pub succeeded_in_stage: Option<SucceededInStage>,
}

/// Those that succeeded in a stage.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SucceededInStage {
    #[serde(default)]
    pub stage_name: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub pipeline_execution_summaries: Vec<Summary>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// One execution.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    pub pipeline_execution_id: String,
    pub status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_summary: Option<String>,
    pub start_time: Timestamp,
    pub last_update_time: Timestamp,
    pub source_revisions: Vec<RevisionSummary>,
    pub trigger: Trigger,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_trigger: Option<StopTrigger>,
    pub execution_mode: String,
    pub execution_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollback_metadata: Option<RollbackMetadata>,
}

/// Why an execution was stopped.
#[derive(Debug, Serialize)]
pub struct StopTrigger {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Lists executions.
pub async fn list_pipeline_executions(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let limit = input.max_results.unwrap_or(100).clamp(1, 100) as usize;
    let scope = cx.scope();
    let stage = input.filter.and_then(|f| f.succeeded_in_stage).and_then(|s| s.stage_name);
    let list = format!("ListPipelineExecutions:{}:{}", input.pipeline_name, stage.as_deref().unwrap_or_default());
    let mut after = position(&list, input.next_token.as_deref())?;
    let mut tx = cx.store.read().await?;
    let pipeline = load::pipeline(&mut tx, scope, &input.pipeline_name).await?;
    let arn = load::arn(scope, &pipeline.name);
    let mut found: Vec<MachineRow<Execution>> = Vec::new();
    'pages: loop {
        let rows = machine::list::<Execution>(&mut tx, scope, Some(&arn), after.as_ref(), BATCH, true).await?;
        let last_page = rows.len() < BATCH as usize;
        for row in rows {
            if !load::belongs(&row, scope, &pipeline) {
                break 'pages;
            }
            after = Some(row.position());
            // Several begin at once: of which version one is does not tell of which the next is.
            let is_current = row.state.version >= pipeline.version;
            if stage.as_deref().is_none_or(|s| is_current && succeeded_in(&row, s)) {
                found.push(row);
            }
            // One more than asked for tells whether there is another page.
            if found.len() > limit {
                break 'pages;
            }
        }
        if last_page {
            break;
        }
    }
    let more = found.len() > limit;
    found.truncate(limit);
    let next_token =
        found.last().filter(|_| more).map(|r| PageToken::after(&list, &r.position().to_text()).into_string());
    Ok(Output { pipeline_execution_summaries: found.into_iter().map(summary).collect(), next_token })
}

/// The place that a page token names.
pub(super) fn position(list: &str, token: Option<&str>) -> Result<Option<Position>, ApiError> {
    let Some(token) = token else { return Ok(None) };
    let text = PageToken::position(list, token).map_err(|_| errors::invalid_token())?;
    Position::parse(&text).map(Some).ok_or_else(errors::invalid_token)
}

fn succeeded_in(row: &MachineRow<Execution>, stage: &str) -> bool {
    row.state.stage(stage).is_some_and(|s| s.status == StageStatus::Succeeded)
}

fn summary(row: MachineRow<Execution>) -> Summary {
    let state = &row.state;
    Summary {
        pipeline_execution_id: state.id.clone(),
        status: Execution::status(state),
        status_summary: view::status_summary(state),
        start_time: row.created,
        last_update_time: row.updated,
        source_revisions: view::source_revisions(state),
        trigger: view::trigger(state),
        stop_trigger: state.stop_request().map(|s| StopTrigger { reason: s.reason.clone() }),
        execution_mode: state.definition.execution_mode().to_owned(),
        execution_type: state.kind.as_str(),
        rollback_metadata: view::rollback(state),
    }
}
