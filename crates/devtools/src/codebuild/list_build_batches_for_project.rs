//! ListBuildBatchesForProject: ids of a project's batches, newest first unless asked otherwise.

use base::ApiError;
use platform::Cx;
use serde::Deserialize;

pub use super::list_build_batches::Output;
use super::list_build_batches::{self, page};
use super::project::{find, name_of};

/// The request.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Input {
    pub project_name: Option<String>,
    #[serde(flatten)]
    pub page: list_build_batches::Input,
}

/// Lists a project's batches.
pub async fn list_build_batches_for_project(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let Some(given) = &input.project_name else { return page(cx, None, &input.page).await };
    let name = name_of(cx.scope(), given);
    let mut tx = cx.store.read().await?;
    if find(&mut tx, cx.scope(), name).await?.is_none() {
        let arn = cx.arn("codebuild", format!("project/{name}"));
        let message = format!("The provided project {arn} does not exist");
        return Err(ApiError::new("ResourceNotFoundException", message));
    }
    drop(tx);
    page(cx, Some(name), &input.page).await
}
