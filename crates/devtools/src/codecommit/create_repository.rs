//! `CreateRepository`: the row first, then the folder, so that every folder has a row that names it.

use base::{ApiError, Tags};
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::codecommit_repository::{self as table, Row};

use super::errors;
use super::repository::{Metadata, add_tags, check_name, open};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    repository_name: String,
    repository_description: Option<String>,
    tags: Option<Tags>,
    /// Unsupported: refused when it is there.
    kms_key_id: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    repository_metadata: Metadata,
}

/// Creates an empty repository.
pub async fn create_repository(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    check_name(&input.repository_name)?;
    if input.kms_key_id.is_some() {
        return Err(errors::kms_key_not_supported());
    }
    let mut tags = Tags::new();
    add_tags(&mut tags, input.tags.unwrap_or_default())?;
    let now = cx.now();
    let row = Row {
        id: cx.ids.uuid().to_string(),
        scope: cx.scope().clone(),
        name: input.repository_name,
        description: input.repository_description,
        default_branch: None,
        tags,
        created: now,
        updated: now,
        ref_number: 0,
    };
    let new = row.clone();
    cx.store
        .write(move |tx| {
            let new = new.clone();
            Box::pin(async move {
                table::insert(tx, &new).await.map_err(|e| match e {
                    store::Error::Duplicate(_) => errors::repository_name_exists(&new.name),
                    other => other.into(),
                })
            })
        })
        .await?;
    open(cx, &row).await?;
    Ok(Output { repository_metadata: Metadata::new(cx, &row) })
}
