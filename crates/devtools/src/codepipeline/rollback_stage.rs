//! RollbackStage: brings a stage back to what an earlier execution made of it, by an execution of its own.
//!
//! Order: pipeline, stage, type and mode of the pipeline (rollback is for V2, and not for PARALLEL), target; then the stage must
//! be free.
//! <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_RollbackStage.html>

use base::ApiError;
use engine::pipeline::{GateInput, GateRefusal, Gates, Mode, NewRollback, NoTarget, Trigger};
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::AdvanceError;

use super::{errors, load, roll_back, start};

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub pipeline_name: String,
    pub stage_name: String,
    pub target_pipeline_execution_id: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub pipeline_execution_id: String,
}

/// Rolls a stage back.
pub async fn rollback_stage(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let scope = cx.scope().clone();
    let fresh = cx.ids.uuid().to_string();
    let trigger = Trigger { kind: "ManualRollback".to_owned(), detail: cx.caller.principal.arn.clone() };
    let (id, salt) = (fresh.clone(), start::salt(&*cx.ids));
    cx.store
        .write(move |tx| {
            let (scope, input, id, trigger) = (scope.clone(), input.clone(), id.clone(), trigger.clone());
            let (starters, salt) = (vec![trigger.detail.clone()], salt.clone());
            Box::pin(async move {
                let gates = load::locked(tx, &scope, &input.pipeline_name).await?;
                let row = load::pipeline(tx, &scope, &input.pipeline_name).await?;
                let declaration = load::declaration(tx, &scope, &row, None).await?;
                let stage = &input.stage_name;
                if declaration.stage(stage).is_none() {
                    return Err(errors::stage_not_found(&row.name, stage));
                }
                if declaration.pipeline_type() == "V1" {
                    return Err(errors::unable_to_roll_back(stage, "the pipeline is not of type V2"));
                }
                if gates.is_some_and(|gates| gates.mode == Mode::Parallel) {
                    return Err(errors::unable_to_roll_back(stage, NOT_IN_PARALLEL));
                }
                let target = load::execution(tx, &scope, &row, &input.target_pipeline_execution_id).await?;
                let state = target
                    .state
                    .rollback(stage, row.version, NewRollback { id: id.clone(), trigger, starters, salt })
                    .map_err(|why| no_target(stage, &target.id, why))?;
                roll_back::begin(tx, &scope, state).await?;
                let occupy = GateInput::Occupy { execution: id, stage: stage.clone(), version: row.version };
                store::advance::<Gates>(tx, &load::arn(&scope, &row.name), occupy)
                    .await
                    .map_err(|e| refused(&row.name, stage, e))?;
                Ok::<_, ApiError>(())
            })
        })
        .await?;
    Ok(Output { pipeline_execution_id: fresh })
}

const NOT_IN_PARALLEL: &str = "stage rollback is not available for pipelines in PARALLEL mode";

fn no_target(stage: &str, target: &str, why: NoTarget) -> ApiError {
    let why = match why {
        NoTarget::Outdated => return errors::outdated(target),
        NoTarget::IsParallel => NOT_IN_PARALLEL.to_owned(),
        NoTarget::SourceStage => "a source stage cannot be rolled back".to_owned(),
        NoTarget::IsRollback => format!("pipeline execution '{target}' is a rollback itself"),
        NoTarget::NotSucceeded => format!("pipeline execution '{target}' has not succeeded in it"),
    };
    errors::unable_to_roll_back(stage, &why)
}

fn refused(pipeline: &str, stage: &str, error: AdvanceError<GateRefusal>) -> ApiError {
    match error {
        AdvanceError::Store(e) => e.into(),
        AdvanceError::Refused(GateRefusal::Occupied { by }) => {
            errors::unable_to_roll_back(stage, &format!("pipeline execution '{by}' is running in it"))
        }
        AdvanceError::Refused(GateRefusal::StageNotFound { stage }) => errors::stage_not_found(pipeline, &stage),
        AdvanceError::NotFound
        | AdvanceError::Refused(GateRefusal::Redefined | GateRefusal::NotLatest { .. } | GateRefusal::NoTransitions) => {
            errors::busy(pipeline)
        }
    }
}
