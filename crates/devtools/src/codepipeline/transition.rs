//! Opening and closing the transition into a stage.

use base::{ApiError, Scope};
use engine::pipeline::{GateInput, GateRefusal, Gates};
use platform::Cx;
use store::AdvanceError;

use super::{errors, load};

/// The stage whose inbound transition is meant. Deviation: AWS keeps both directions apart but shows the inbound one alone; the
/// outbound transition of a stage is the inbound one of the next here.
pub(super) fn target(stages: &[String], pipeline: &str, stage: &str, kind: &str) -> Result<String, ApiError> {
    let at = stages.iter().position(|s| s == stage).ok_or_else(|| errors::stage_not_found(pipeline, stage))?;
    match kind {
        "Outbound" => stages.get(at + 1).cloned().ok_or_else(|| {
            errors::validation(format!("Stage '{stage}' is the last of the pipeline: it has no outbound transition"))
        }),
        _ => Ok(stage.to_owned()),
    }
}

/// Hands an input to the gates; `make` builds it from the stage that is meant.
pub(super) async fn change(
    cx: &Cx,
    pipeline: String,
    stage: String,
    kind: String,
    make: impl Fn(String) -> GateInput + Clone + Send + Sync + 'static,
) -> Result<(), ApiError> {
    let scope = cx.scope().clone();
    cx.store
        .write(move |tx| {
            let (scope, pipeline, stage, kind) = (scope.clone(), pipeline.clone(), stage.clone(), kind.clone());
            let make = make.clone();
            Box::pin(async move {
                load::pipeline(tx, &scope, &pipeline).await?;
                let gates = load::gates(tx, &scope, &pipeline).await?;
                let stages: Vec<String> = gates.gates.iter().map(|g| g.stage.clone()).collect();
                let input = make(target(&stages, &pipeline, &stage, &kind)?);
                store::advance::<Gates>(tx, &load::arn(&scope, &pipeline), input)
                    .await
                    .map_err(|e| refused(&scope, &pipeline, e))?;
                Ok(())
            })
        })
        .await
}

/// A refusal of the gates as an API error.
pub(super) fn refused(scope: &Scope, pipeline: &str, error: AdvanceError<GateRefusal>) -> ApiError {
    match error {
        AdvanceError::NotFound => errors::pipeline_not_found(scope, pipeline),
        AdvanceError::Refused(GateRefusal::StageNotFound { stage }) => errors::stage_not_found(pipeline, &stage),
        AdvanceError::Refused(
            GateRefusal::NotLatest { .. } | GateRefusal::Redefined | GateRefusal::Occupied { .. },
        ) => errors::busy(pipeline),
        AdvanceError::Refused(GateRefusal::NoTransitions) => errors::validation(format!(
            "Pipeline '{pipeline}' is in execution mode PARALLEL: its executions do not wait before a stage, and it has no transitions"
        )),
        AdvanceError::Store(e) => e.into(),
    }
}
