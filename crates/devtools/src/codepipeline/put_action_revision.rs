//! PutActionRevision: a custom source action has a new revision, so the pipeline starts.
//! <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_PutActionRevision.html>
//!
//! One revision (its id and the id of its change) starts one execution, however often it is reported: `newRevision` says
//! whether it was this call.
//!
//! A new revision is refused as StartPipelineExecution would be: when a variable has no default value, and when as many
//! executions as may be are under way.
//!
//! Deviation: an action that is no source action of a custom type is refused; AWS's own sources report themselves.

use base::{ApiError, Timestamp};
use engine::pipeline::{Execution, Trigger};
use formats::pipeline::Provider;
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::machine;

use super::start_pipeline_execution::{variables, within_limit};
use super::{errors, load, start};

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub pipeline_name: String,
    pub stage_name: String,
    pub action_name: String,
    pub action_revision: ActionRevision,
}

/// What the source has come to.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ActionRevision {
    pub revision_id: String,
    pub revision_change_id: String,
    /// When; the worker's job says it again.
    pub created: Timestamp,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub new_revision: bool,
    pub pipeline_execution_id: String,
}

/// Takes a revision.
pub async fn put_action_revision(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let (scope, limit) = (cx.scope().clone(), cx.site.max_executions);
    let (salt, by) = (start::salt(&*cx.ids), cx.caller.principal.arn.clone());
    let output = cx.store.write(move |tx| {
        let (scope, input) = (scope.clone(), input.clone());
        let (salt, starters) = (salt.clone(), vec![by.clone()]);
        Box::pin(async move {
            let gates = load::locked(tx, &scope, &input.pipeline_name).await?;
            let row = load::pipeline(tx, &scope, &input.pipeline_name).await?;
            let declaration = load::declaration(tx, &scope, &row, None).await?;
            let (stage, action) = (&input.stage_name, &input.action_name);
            let declared = declaration.stage(stage).ok_or_else(|| errors::stage_not_found(&row.name, stage))?;
            let declared = declared.action(action).ok_or_else(|| errors::action_not_found(stage, action))?;
            if declared.provider() != Some(Provider::Worker) || !declared.is_source() {
                return Err(errors::validation(format!(
                    "Action '{action}' of stage '{stage}' is not a source action of a custom action type"
                )));
            }
            let (arn, made) = (load::arn(&scope, &row.name), row.created.micros().to_string());
            let revision = &input.action_revision;
            let parts = ["PutActionRevision", &arn, &made, action, &revision.revision_id, &revision.revision_change_id];
            let id = base::derived_uuid(&parts).to_string();
            let new_revision = machine::get::<Execution>(tx, &id).await?.is_none();
            if !new_revision {
                return Ok(Output { new_revision, pipeline_execution_id: id });
            }
            let variables = variables(&declaration, Vec::new())?;
            within_limit(gates.as_ref(), &row.name, limit)?;
            let trigger = Trigger { kind: "PutActionRevision".to_owned(), detail: revision.revision_id.clone() };
            let begin = start::Start {
                id: id.clone(),
                trigger,
                variables,
                overrides: Vec::new(),
                parent: None,
                starters,
                salt,
            };
            start::start(tx, &scope, declaration, begin).await?;
            Ok::<_, ApiError>(Output { new_revision, pipeline_execution_id: id })
        })
    });
    output.await
}
