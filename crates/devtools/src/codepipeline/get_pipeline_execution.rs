//! GetPipelineExecution: one execution.
//! <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_GetPipelineExecution.html>

use base::{ApiError, Machine, Timestamp};
use engine::pipeline::{Execution, SourceRevision};
use platform::Cx;
use serde::{Deserialize, Serialize};

use super::load;
use super::view::{self, RollbackMetadata, Trigger};

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub pipeline_name: String,
    pub pipeline_execution_id: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub pipeline_execution: PipelineExecution,
}

/// An execution.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PipelineExecution {
    pub pipeline_name: String,
    pub pipeline_version: u32,
    pub pipeline_execution_id: String,
    pub status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_summary: Option<String>,
    pub artifact_revisions: Vec<ArtifactRevision>,
    pub variables: Vec<ResolvedVariable>,
    pub trigger: Trigger,
    pub execution_mode: String,
    pub execution_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollback_metadata: Option<RollbackMetadata>,
}

/// The revision behind a source artifact.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ArtifactRevision {
    pub name: String,
    pub revision_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision_change_identifier: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision_summary: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision_url: Option<String>,
}

/// A pipeline variable's value.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ResolvedVariable {
    pub name: String,
    pub resolved_value: String,
}

/// Reads an execution.
pub async fn get_pipeline_execution(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let mut tx = cx.store.read().await?;
    let pipeline = load::pipeline(&mut tx, cx.scope(), &input.pipeline_name).await?;
    let row = load::execution(&mut tx, cx.scope(), &pipeline, &input.pipeline_execution_id).await?;
    let state = row.state;
    let revision = |s: &SourceRevision| ArtifactRevision {
        name: s.artifact.clone(),
        revision_id: s.revision.id.clone(),
        revision_change_identifier: s.revision.change_identifier(),
        revision_summary: s.revision.summary.clone(),
        created: s.revision.created,
        revision_url: s.revision.url.clone(),
    };
    let variable =
        |(name, value): (&String, &String)| ResolvedVariable { name: name.clone(), resolved_value: value.clone() };
    Ok(Output {
        pipeline_execution: PipelineExecution {
            pipeline_name: pipeline.name,
            pipeline_version: state.version,
            pipeline_execution_id: state.id.clone(),
            status: Execution::status(&state),
            status_summary: view::status_summary(&state),
            artifact_revisions: state.source_revisions.iter().map(revision).collect(),
            variables: state.variables.iter().map(variable).collect(),
            trigger: view::trigger(&state),
            execution_mode: state.definition.execution_mode().to_owned(),
            execution_type: state.kind.as_str(),
            rollback_metadata: view::rollback(&state),
        },
    })
}
