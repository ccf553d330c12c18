//! `GetBlob`: one blob's content, up to 20 MB.

use base::ApiError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use git::ObjectId;
use platform::Cx;
use serde::{Deserialize, Serialize};

use super::errors;
use super::repository::{blocking_git, find, open};

const LIMIT_BYTES: u64 = 20 * 1024 * 1024;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    repository_name: String,
    blob_id: String,
}

#[derive(Debug, Serialize)]
pub struct Output {
    content: String,
}

/// Gives a blob's content.
pub async fn get_blob(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let row = find(cx, &input.repository_name).await?;
    let id = ObjectId::parse(&input.blob_id).ok_or_else(errors::invalid_blob_id)?;
    let repository = open(cx, &row).await?;
    let read = move || {
        let size = repository.blob_size(id)?;
        if size > LIMIT_BYTES { Ok(None) } else { repository.blob(id).map(Some) }
    };
    match blocking_git(read).await? {
        Ok(Some(content)) => Ok(Output { content: STANDARD.encode(content) }),
        Ok(None) => Err(errors::file_too_large()),
        Err(git::Error::NoObject(_) | git::Error::WrongKind { .. }) => Err(errors::blob_does_not_exist()),
        Err(e) => Err(ApiError::internal(e)),
    }
}
