//! UpdateProjectVisibility: `PRIVATE` is what every project is. `PUBLIC_READ` is refused: this server shows builds to
//! nobody who has not signed.
//!
//! Deviation: there are no public builds.

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};

use super::errors::{project_not_found, unsupported};
use super::project::{find, name_of};

/// The request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub project_arn: String,
    pub project_visibility: String,
    pub resource_access_role: Option<String>,
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub project_arn: String,
    pub project_visibility: String,
}

/// Changes who may see a project's builds.
pub async fn update_project_visibility(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let name = name_of(cx.scope(), &input.project_arn);
    let arn = cx.arn("codebuild", format!("project/{name}"));
    let mut tx = cx.store.read().await?;
    if find(&mut tx, cx.scope(), name).await?.is_none() {
        return Err(project_not_found(&arn));
    }
    if input.project_visibility != "PRIVATE" {
        return Err(unsupported(&format!("projectVisibility {}", input.project_visibility)));
    }
    if input.resource_access_role.is_some() {
        return Err(unsupported("resourceAccessRole"));
    }
    Ok(Output { project_arn: arn.to_string(), project_visibility: input.project_visibility })
}
