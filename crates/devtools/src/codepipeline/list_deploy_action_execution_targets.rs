//! ListDeployActionExecutionTargets: the instances that an EC2 deploy action deploys to.
//! <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_ListDeployActionExecutionTargets.html>
//!
//! Refused: actions of the type Deploy/EC2 cannot be declared here, so that no action execution has targets; the refusal
//! says so once the pipeline and the action execution have been found. It is looked for in the newest executions only, of the
//! pipeline or of all, so that what is refused anyway does not read the whole history.

use base::ApiError;
use engine::pipeline::Execution;
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::machine;

use super::{errors, load};

/// Executions read at once.
const BATCH: u32 = 50;
/// Executions looked at, in batches.
const BATCHES: u32 = 4;

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    #[serde(default)]
    pub pipeline_name: Option<String>,
    pub action_execution_id: String,
}

#[derive(Debug, Serialize)]
pub struct Output {}

/// Refuses, and says what it is about.
pub async fn list_deploy_action_execution_targets(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let scope = cx.scope();
    let mut tx = cx.store.read().await?;
    let parent = match &input.pipeline_name {
        None => None,
        Some(name) => Some(load::arn(scope, &load::pipeline(&mut tx, scope, name).await?.name)),
    };
    let mut after = None;
    for _ in 0..BATCHES {
        let rows = machine::list::<Execution>(&mut tx, scope, parent.as_deref(), after.as_ref(), BATCH, true).await?;
        let runs = rows.iter().flat_map(|row| &row.state.stages).flat_map(|stage| &stage.actions);
        if let Some(run) = runs.into_iter().find(|run| run.id == input.action_execution_id) {
            return Err(errors::validation(format!(
                "Action '{}' is not an EC2 deploy action, which is not available here: it has no targets",
                run.name
            )));
        }
        match rows.last() {
            Some(row) => after = Some(row.position()),
            None => break,
        }
    }
    Err(not_found(&input.action_execution_id))
}

fn not_found(id: &str) -> ApiError {
    ApiError::new(
        "ActionExecutionNotFoundException",
        format!("There is no action execution with id '{id}' in the newest {} executions", BATCH * BATCHES),
    )
}
