//! UpdatePipeline: checks the declaration and stores it as the next version. Executions under way let their running actions
//! finish and are then cancelled (User Guide, "Edit a pipeline"); nothing is started. Executions that began in mode PARALLEL go on
//! with the definition that they have, also into another mode ("Set or change the pipeline execution mode"). Deviation: the newest definition holds in every mode.
//! <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_UpdatePipeline.html>

use std::sync::Arc;

use base::ApiError;
use engine::pipeline::{GateInput, Gates, Mode};
use formats::pipeline::{PipelineDeclaration, validate_settled};
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::codepipeline_pipeline;

use super::create_pipeline::{Made, normal, roles_exist, store_declaration};
use super::{action_types, errors, load, secrets, transition};

#[derive(Clone, Debug, Deserialize)]
pub struct Input {
    pub pipeline: PipelineDeclaration,
}

#[derive(Debug, Serialize)]
pub struct Output {
    pub pipeline: PipelineDeclaration,
}

/// Updates a pipeline.
pub async fn update_pipeline(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let scope = cx.scope().clone();
    let registered = action_types::registered(&mut cx.store.read().await?, &scope).await?;
    validate_settled(&input.pipeline, scope.region.as_str(), &registered).map_err(|p| errors::problem(&p))?;
    let registered = Arc::new(registered);
    let (given, cx_in) = (Arc::new(input.pipeline), cx.clone());
    let pipeline = cx
        .store
        .write(move |tx| {
            let (scope, given, cx) = (scope.clone(), given.clone(), cx_in.clone());
            let registered = registered.clone();
            Box::pin(async move {
                load::locked(tx, &scope, &given.name).await?;
                let row = load::pipeline(tx, &scope, &given.name).await?;
                roles_exist(tx, &cx, &given).await?;
                let mut declaration = normal((*given).clone(), row.version + 1);
                let before = load::declaration(tx, &scope, &row, None).await?;
                secrets::seal(&cx, &mut declaration, Some(&before), &registered)?;
                let now = tx.now();
                codepipeline_pipeline::set_version(tx, &scope, &row.name, row.version + 1, now).await?;
                store_declaration(tx, &scope, &declaration, Made::Here).await?;
                let stages = declaration.stages.iter().map(|s| s.name.clone()).collect();
                let redefine = GateInput::Redefine { version: row.version + 1, mode: Mode::of(&declaration), stages };
                store::advance::<Gates>(tx, &load::arn(&scope, &row.name), redefine)
                    .await
                    .map_err(|e| transition::refused(&scope, &row.name, e))?;
                Ok::<_, ApiError>(declaration)
            })
        })
        .await?;
    Ok(Output { pipeline: secrets::masked(pipeline) })
}
