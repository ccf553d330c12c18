//! The action types that an account has registered.

use base::{ApiError, Scope};
use engine::job::NewJob;
use formats::pipeline::{ActionTypeId, CustomActionType};
use store::Tx;
use store::tables::codepipeline_action_type::{self, Key, Row};

use super::errors;

/// Whose types are registered; those of others are AWS's or a partner's.
pub(super) const OWNER: &str = "Custom";

pub(super) fn key(id: &ActionTypeId) -> Key<'_> {
    Key { category: &id.category, provider: &id.provider, version: &id.version }
}

/// All that are there, without the deleted ones.
pub(super) async fn registered(tx: &mut Tx, scope: &Scope) -> Result<Vec<CustomActionType>, ApiError> {
    let rows = codepipeline_action_type::list(tx, scope).await?;
    Ok(rows.into_iter().map(|row: Row<CustomActionType>| row.definition).collect())
}

/// The one with this id, if it is there and not deleted.
pub(super) async fn find(
    tx: &mut Tx,
    scope: &Scope,
    id: &ActionTypeId,
) -> Result<Option<Row<CustomActionType>>, ApiError> {
    if id.owner != OWNER {
        return Ok(None);
    }
    let row = codepipeline_action_type::get(tx, scope, key(id)).await?;
    Ok(row.filter(|row: &Row<CustomActionType>| !row.is_deleted))
}

/// As [`find`], for whoever makes a job: the type stays until the transaction ends.
pub(super) async fn find_locked(
    tx: &mut Tx,
    scope: &Scope,
    id: &ActionTypeId,
) -> Result<Option<CustomActionType>, ApiError> {
    if id.owner != OWNER {
        return Ok(None);
    }
    let row = codepipeline_action_type::get_locked(tx, scope, key(id)).await?;
    Ok(row.filter(|row: &Row<CustomActionType>| !row.is_deleted).map(|row| row.definition))
}

/// Why a job of a deleted type fails.
pub(super) fn deleted(id: &ActionTypeId) -> String {
    format!("The action type {} was deleted before a worker began.", NewJob::queue(id))
}

/// As [`find`], or the error that PollForJobs gives.
pub(super) async fn load(tx: &mut Tx, scope: &Scope, id: &ActionTypeId) -> Result<CustomActionType, ApiError> {
    let row = find(tx, scope, id).await?;
    row.map(|row| row.definition).ok_or_else(|| errors::action_type_not_found(id))
}
