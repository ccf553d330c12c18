//! ListSandboxes: ids of all sandboxes, newest first unless asked otherwise, at most 100 a page.
//! Follows <https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ListSandboxes.html>.

use base::ApiError;
use engine::sandbox::Sandbox;
use platform::Cx;
use serde::Deserialize;

pub use super::list_builds::Output;
use super::list_builds::{PAGE, page_of};

/// The request.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub max_results: Option<u32>,
    pub sort_order: Option<String>,
    pub next_token: Option<String>,
}

/// Lists sandboxes.
pub async fn list_sandboxes(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let size = input.max_results.unwrap_or(PAGE).clamp(1, PAGE);
    page_of::<Sandbox>(cx, None, input.sort_order.as_deref(), input.next_token.as_deref(), size).await
}
