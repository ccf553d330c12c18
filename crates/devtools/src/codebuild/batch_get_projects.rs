//! BatchGetProjects: by name or ARN; what is not found is listed as it was asked for.

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::tables::codebuild_webhook;

use super::project::{find, view};
use super::webhook;

/// The request.
#[derive(Clone, Debug, Deserialize)]
pub struct Input {
    pub names: Vec<String>,
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub projects: Vec<Value>,
    pub projects_not_found: Vec<String>,
}

/// Shows projects.
pub async fn batch_get_projects(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let mut tx = cx.store.read().await?;
    let mut output = Output { projects: Vec::new(), projects_not_found: Vec::new() };
    for name in input.names {
        match find(&mut tx, cx.scope(), &name).await? {
            Some(row) => {
                let mut project = view(cx.scope(), &cx.site.endpoint, &row);
                if let Some(hook) = codebuild_webhook::of_project(&mut tx, cx.scope(), &row.name).await? {
                    project["webhook"] = webhook::view(cx, &hook)?;
                }
                output.projects.push(project);
            }
            None => output.projects_not_found.push(name),
        }
    }
    Ok(output)
}
