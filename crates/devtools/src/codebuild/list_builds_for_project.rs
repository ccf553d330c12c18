//! ListBuildsForProject: ids of a project's builds, newest first unless asked otherwise, 100 a page.

use base::ApiError;
use platform::Cx;
use serde::Deserialize;

pub use super::list_builds::Output;
use super::list_builds::page;
use super::project::{find, name_of};

/// The request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub project_name: String,
    pub sort_order: Option<String>,
    pub next_token: Option<String>,
}

/// Lists a project's builds.
pub async fn list_builds_for_project(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let name = name_of(cx.scope(), &input.project_name);
    let mut tx = cx.store.read().await?;
    if find(&mut tx, cx.scope(), name).await?.is_none() {
        let arn = cx.arn("codebuild", format!("project/{name}"));
        let message = format!("The provided project {arn} does not exist");
        return Err(ApiError::new("ResourceNotFoundException", message));
    }
    drop(tx);
    page(cx, Some(name), input.sort_order.as_deref(), input.next_token.as_deref()).await
}
