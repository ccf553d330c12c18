//! The pipeline that an action of an execution brings along: made, or given a new version, before it is started as a child.
//!
//! It is a pipeline like any other, under a name that follows from its parent's, and a tag says whose it is. One that was made by
//! somebody else is never touched. Nothing watches its sources: only its parent's action starts it.

use std::sync::Arc;

use base::{ApiError, Tags};
use engine::pipeline::{ExecutionState, GateInput, Gates, Mode, RunAction};
use formats::pipeline::document::emitted;
use formats::pipeline::{PipelineDeclaration, validate_with};
use platform::Cx;
use store::Tx;
use store::tables::codepipeline_pipeline;

use super::create_pipeline::{Watch, insert, normal, roles_exist, store_declaration};
use super::{action_types, errors, load, secrets, transition};

/// The tag that says which action makes a pipeline. Clients can neither set nor remove tags with this prefix.
const MADE_BY: &str = "aws:headworks:made-by";

/// Makes the pipeline `name` what `text` defines. Its definition gets a new version when it differs from the last one.
pub async fn emit_pipeline(
    tx: &mut Tx,
    cx: &Cx,
    parent: &ExecutionState,
    (name, run): (&str, &RunAction),
    text: &str,
) -> Result<(), ApiError> {
    let scope = parent.scope.clone();
    let invalid =
        |why: String| ApiError::new("InvalidStructureException", format!("The definition is not valid: {why}"));
    let declared = emitted(text, name, &parent.definition).map_err(invalid)?;
    let registered = action_types::registered(tx, &scope).await?;
    validate_with(&declared, scope.region.as_str(), &registered).map_err(|p| errors::problem(&p))?;
    roles_exist(tx, cx, &declared).await?;
    let made_by = format!("{}/{}", parent.definition.name, run.action);
    load::locked(tx, &scope, name).await?;
    let Some(row) = codepipeline_pipeline::get(tx, &scope, name).await? else {
        let mut first = normal(declared, 1);
        secrets::seal(cx, &mut first, None, &registered)?;
        let tags = Tags::from_iter([(MADE_BY.to_owned(), made_by)]);
        return insert(tx, &scope, &first, tags, Watch::Nothing).await;
    };
    if row.tags.get(MADE_BY) != Some(&made_by) {
        let what = format!(
            "A pipeline with the name '{name}' exists in account '{}', and it is not one that this action has made",
            scope.account
        );
        return Err(ApiError::new("PipelineNameInUseException", what));
    }
    let before: Arc<PipelineDeclaration> = load::declaration(tx, &scope, &row, None).await?;
    if *before == normal(declared.clone(), row.version) {
        return Ok(());
    }
    let version = row.version + 1;
    let mut next = normal(declared, version);
    secrets::seal(cx, &mut next, Some(&before), &registered)?;
    let now = tx.now();
    codepipeline_pipeline::set_version(tx, &scope, name, version, now).await?;
    store_declaration(tx, &scope, &next, Watch::Nothing).await?;
    let stages = next.stages.iter().map(|s| s.name.clone()).collect();
    let redefine = GateInput::Redefine { version, mode: Mode::of(&next), stages };
    store::advance::<Gates>(tx, &load::arn(&scope, name), redefine)
        .await
        .map_err(|e| transition::refused(&scope, name, e))?;
    Ok(())
}
