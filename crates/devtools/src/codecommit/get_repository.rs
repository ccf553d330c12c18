//! `GetRepository`. `defaultBranch` is there as soon as a first branch is.

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};

use super::repository::{Metadata, find};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    repository_name: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    repository_metadata: Metadata,
}

/// Describes one repository.
pub async fn get_repository(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let row = find(cx, &input.repository_name).await?;
    Ok(Output { repository_metadata: Metadata::new(cx, &row) })
}
