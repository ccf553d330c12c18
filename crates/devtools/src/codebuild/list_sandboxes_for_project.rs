//! ListSandboxesForProject: ids of a project's sandboxes, newest first unless asked otherwise, at most 100 a page.
//! Follows <https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ListSandboxesForProject.html>.

use base::ApiError;
use engine::sandbox::Sandbox;
use platform::Cx;
use serde::Deserialize;

pub use super::list_builds::Output;
use super::list_builds::{PAGE, page_of};
use super::project::{find, name_of};

/// The request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub project_name: String,
    pub max_results: Option<u32>,
    pub sort_order: Option<String>,
    pub next_token: Option<String>,
}

/// Lists a project's sandboxes.
pub async fn list_sandboxes_for_project(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let name = name_of(cx.scope(), &input.project_name);
    let mut tx = cx.store.read().await?;
    if find(&mut tx, cx.scope(), name).await?.is_none() {
        let arn = cx.arn("codebuild", format!("project/{name}"));
        return Err(super::errors::not_found(format!("The provided project {arn} does not exist")));
    }
    drop(tx);
    let size = input.max_results.unwrap_or(PAGE).clamp(1, PAGE);
    page_of::<Sandbox>(cx, Some(name), input.sort_order.as_deref(), input.next_token.as_deref(), size).await
}
