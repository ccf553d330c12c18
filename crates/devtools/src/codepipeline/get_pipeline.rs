//! GetPipeline: a declaration in any version.
//! <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_GetPipeline.html>

use base::{ApiError, Timestamp};
use formats::pipeline::PipelineDeclaration;
use platform::Cx;
use serde::{Deserialize, Serialize};

use super::{load, secrets};

#[derive(Clone, Debug, Deserialize)]
pub struct Input {
    pub name: String,
    #[serde(default)]
    pub version: Option<u32>,
}

#[derive(Debug, Serialize)]
pub struct Output {
    pub pipeline: PipelineDeclaration,
    pub metadata: Metadata,
}

/// What the service knows about a pipeline beside its declaration.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    pub pipeline_arn: String,
    pub created: Timestamp,
    pub updated: Timestamp,
}

/// Reads a pipeline's declaration.
pub async fn get_pipeline(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let mut tx = cx.store.read().await?;
    let row = load::pipeline(&mut tx, cx.scope(), &input.name).await?;
    let pipeline = load::declaration(&mut tx, cx.scope(), &row, input.version).await?;
    let pipeline = secrets::masked((*pipeline).clone());
    let pipeline_arn = load::arn(cx.scope(), &row.name);
    Ok(Output { pipeline, metadata: Metadata { pipeline_arn, created: row.created, updated: row.updated } })
}
