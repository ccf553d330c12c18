//! The pipeline that an action of an execution brings along: made, or given a new version, before it is started as a child.
//!
//! It is a pipeline like any other, under a name that follows from its parent's, and a tag says whose it is. One that was made by
//! somebody else is never touched. Nothing watches its sources: only its parent's action starts it.

use std::sync::Arc;

use base::{ApiError, Tags};
use engine::pipeline::{Execution, ExecutionState, GateInput, Gates, Mode, RunAction, Work};
use formats::pipeline::document::emitted;
use formats::pipeline::{CustomActionType, PipelineDeclaration, validate_settled};
use platform::Cx;
use store::tables::codepipeline_pipeline;
use store::{Tx, machine};

use super::create_pipeline::{Made, insert, normal, roles_exist, store_declaration};
use super::{action_types, errors, load, secrets, transition};

/// The tag that says which action makes a pipeline. Clients can neither set nor remove tags with this prefix.
const MADE_BY: &str = "aws:headworks:made-by";

/// A definition that is valid.
#[derive(Clone, Debug)]
pub struct Emitted {
    declared: PipelineDeclaration,
    registered: Vec<CustomActionType>,
}

/// Reads what an action of the execution `parent` brings along, outside any transaction: it may be long.
pub async fn read_emitted(cx: &Cx, parent: &str, run: &RunAction, text: &str) -> Result<Emitted, ApiError> {
    let Work::InvokePipeline { pipeline, .. } = &run.work else {
        return Err(ApiError::internal("a pipeline was brought along by an action of another kind"));
    };
    let mut tx = cx.store.read().await?;
    let row = machine::get::<Execution>(&mut tx, parent).await?;
    let parent = row.ok_or_else(|| errors::validation(format!("Execution {parent} is no more")))?.state;
    if *cx.scope() != parent.scope {
        let what = "An action of another region than its pipeline's brings no pipeline along";
        return Err(errors::validation(what));
    }
    let registered = action_types::registered(&mut tx, &parent.scope).await?;
    drop(tx);
    let role = run.assumed_through.as_ref().map(|_| run.role_arn.as_str());
    let invalid =
        |why: String| ApiError::new("InvalidStructureException", format!("The definition is not valid: {why}"));
    let declared = emitted(text, pipeline, &parent.definition, role).map_err(invalid)?;
    validate_settled(&declared, parent.scope.region.as_str(), &registered).map_err(|p| errors::problem(&p))?;
    Ok(Emitted { declared, registered })
}

/// Makes the pipeline that an action of `parent` brings along. Its definition gets a new version when it differs from the last one.
pub async fn emit_pipeline(
    tx: &mut Tx,
    cx: &Cx,
    parent: &ExecutionState,
    run: &RunAction,
    emitted: &Emitted,
) -> Result<(), ApiError> {
    let scope = parent.scope.clone();
    let Emitted { declared, registered } = emitted.clone();
    let name = declared.name.clone();
    let name = name.as_str();
    roles_exist(tx, cx, &declared).await?;
    let of = &parent.definition.name;
    let made_by = format!("{of}/{}", run.action);
    load::locked(tx, &scope, name).await?;
    let Some(row) = codepipeline_pipeline::get(tx, &scope, name).await? else {
        let mut first = normal(declared, 1);
        secrets::seal(cx, &mut first, None, &registered)?;
        let tags = Tags::from_iter([(MADE_BY.to_owned(), made_by)]);
        return insert(tx, &scope, &first, tags, Made::By(of)).await;
    };
    if row.tags.get(MADE_BY) != Some(&made_by) {
        let what = format!(
            "A pipeline with the name '{name}' exists in account '{}', and it is not one that this action has made",
            scope.account
        );
        return Err(ApiError::new("PipelineNameInUseException", what));
    }
    let before: Arc<PipelineDeclaration> = load::declaration(tx, &scope, &row, None).await?;
    // What is sealed is never sealed alike twice.
    if secrets::opened(cx, &scope, (*before).clone())? == normal(declared.clone(), row.version) {
        return Ok(());
    }
    let version = row.version + 1;
    let mut next = normal(declared, version);
    secrets::seal(cx, &mut next, Some(&before), &registered)?;
    let now = tx.now();
    codepipeline_pipeline::set_version(tx, &scope, name, version, now).await?;
    store_declaration(tx, &scope, &next, Made::By(of)).await?;
    let stages = next.stages.iter().map(|s| s.name.clone()).collect();
    let redefine = GateInput::Redefine { version, mode: Mode::of(&next), stages };
    store::advance::<Gates>(tx, &load::arn(&scope, name), redefine)
        .await
        .map_err(|e| transition::refused(&scope, name, e))?;
    Ok(())
}
