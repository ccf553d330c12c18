//! DeleteProject: the project goes; its builds stay readable. Deleting what does not exist succeeds, as on AWS.

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::codebuild_project;

use super::project::name_of;

/// The request.
#[derive(Clone, Debug, Deserialize)]
pub struct Input {
    pub name: String,
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
pub struct Output {}

/// Deletes a project.
pub async fn delete_project(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let (scope, name) = (cx.scope().clone(), name_of(cx.scope(), &input.name).to_owned());
    cx.store
        .write(move |tx| {
            let (scope, name) = (scope.clone(), name.clone());
            Box::pin(async move { codebuild_project::delete(tx, &scope, &name).await })
        })
        .await?;
    Ok(Output {})
}
