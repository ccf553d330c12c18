//! DeletePipeline: stops what is under way and removes the pipeline with all its versions, and those that it has made. Deleting what is not there succeeds.
//! <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_DeletePipeline.html>

use base::{ApiError, Machine, Scope};
use engine::pipeline::{GateInput, Gates};
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::{codepipeline_declaration, codepipeline_pipeline, codepipeline_poll, codepipeline_source};
use store::{Tx, machine};

use super::{load, transition};

#[derive(Clone, Debug, Deserialize)]
pub struct Input {
    pub name: String,
}

#[derive(Debug, Serialize)]
pub struct Output {}

/// Deletes a pipeline.
pub async fn delete_pipeline(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let scope = cx.scope().clone();
    let by = cx.caller.principal.arn.clone();
    cx.store
        .write(move |tx| {
            let (scope, name, by) = (scope.clone(), input.name.clone(), by.clone());
            Box::pin(async move {
                let mut left = vec![name];
                while let Some(name) = left.pop() {
                    left.extend(codepipeline_pipeline::made_by(tx, &scope, &name).await?);
                    delete(tx, &scope, &name, &by).await?;
                }
                Ok::<_, ApiError>(())
            })
        })
        .await?;
    Ok(Output {})
}

async fn delete(tx: &mut Tx, scope: &Scope, name: &str, by: &str) -> Result<(), ApiError> {
    load::locked(tx, scope, name).await?;
    if codepipeline_pipeline::get(tx, scope, name).await?.is_none() {
        return Ok(());
    }
    let gates = load::arn(scope, name);
    store::advance::<Gates>(tx, &gates, GateInput::Delete { by: by.to_owned() })
        .await
        .map_err(|e| transition::refused(scope, name, e))?;
    machine::remove(tx, Gates::KIND, &gates).await?;
    codepipeline_source::replace(tx, scope, name, &[]).await?;
    codepipeline_poll::forget(tx, scope, name).await?;
    codepipeline_declaration::delete(tx, scope, name).await?;
    codepipeline_pipeline::delete(tx, scope, name).await?;
    Ok(())
}
