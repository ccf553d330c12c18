//! Reading what several operations need.

use std::sync::Arc;

use base::{ApiError, Scope};
use engine::pipeline::{Execution, Gates, GatesState};
use formats::pipeline::PipelineDeclaration;
use store::Tx;
use store::machine::{self, MachineRow};
use store::tables::codepipeline_declaration;
use store::tables::codepipeline_pipeline::{self, Row};

use super::errors;

pub(super) fn arn(scope: &Scope, name: &str) -> String {
    scope.arn("codepipeline", name).to_string()
}

pub(super) async fn pipeline(tx: &mut Tx, scope: &Scope, name: &str) -> Result<Row, ApiError> {
    codepipeline_pipeline::get(tx, scope, name).await?.ok_or_else(|| errors::pipeline_not_found(scope, name))
}

/// The newest declaration, or that of `version`.
pub(super) async fn declaration(
    tx: &mut Tx,
    scope: &Scope,
    pipeline: &Row,
    version: Option<u32>,
) -> Result<Arc<PipelineDeclaration>, ApiError> {
    let version = version.unwrap_or(pipeline.version);
    let declaration = codepipeline_declaration::get(tx, scope, &pipeline.name, version).await?;
    declaration.ok_or_else(|| errors::version_not_found(scope, &pipeline.name, version))
}

pub(super) async fn gates(tx: &mut Tx, scope: &Scope, name: &str) -> Result<Arc<GatesState>, ApiError> {
    let state = machine::state::<Gates>(tx, &arn(scope, name)).await?;
    state.ok_or_else(|| errors::pipeline_not_found(scope, name))
}

/// The gates of a pipeline that nobody else changes or deletes until the transaction ends; `None` when there is no such
/// pipeline. Whoever begins an execution asks this before all else: one that is begun while its pipeline is deleted or
/// updated would never hear of it.
pub(super) async fn locked(tx: &mut Tx, scope: &Scope, name: &str) -> Result<Option<GatesState>, store::Error> {
    Ok(machine::get_locked::<Gates>(tx, &arn(scope, name)).await?.map(|row| row.state))
}

/// An execution of this pipeline. One of an older pipeline of the same name does not count.
pub(super) async fn execution(
    tx: &mut Tx,
    scope: &Scope,
    pipeline: &Row,
    id: &str,
) -> Result<MachineRow<Execution>, ApiError> {
    let row = machine::get::<Execution>(tx, id).await?;
    row.filter(|r| belongs(r, scope, pipeline)).ok_or_else(|| errors::execution_not_found(&pipeline.name, id))
}

/// The execution that a filter names, by one of its members or by both.
pub(super) fn only(id: Option<String>, latest_in: Option<String>) -> Result<Option<String>, ApiError> {
    match (id, latest_in) {
        (Some(id), Some(other)) if id != other => {
            let what = format!("pipelineExecutionId '{id}' and that of latestInPipelineExecution, '{other}', differ");
            Err(errors::validation(what))
        }
        (id, latest_in) => Ok(id.or(latest_in)),
    }
}

/// Whether an execution is one of this pipeline, and not of a deleted one that had its name.
pub(super) fn belongs(row: &MachineRow<Execution>, scope: &Scope, pipeline: &Row) -> bool {
    row.parent == arn(scope, &pipeline.name) && row.created >= pipeline.created
}
