//! DeleteProject: the project, its cache and its webhook go; its builds stay readable. Deleting what does not exist succeeds,
//! as on AWS.

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::{codebuild_cache, codebuild_project, codebuild_webhook};

use super::invalidate_project_cache;
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
    let namespace = name.clone();
    cx.store
        .write(move |tx| {
            let (scope, name) = (scope.clone(), name.clone());
            Box::pin(async move {
                // A project of the same name later is another one.
                codebuild_cache::invalidate(tx, &scope, &name).await?;
                codebuild_webhook::delete(tx, &scope, &name).await?;
                codebuild_project::delete(tx, &scope, &name).await
            })
        })
        .await?;
    invalidate_project_cache::remove(cx, &namespace).await;
    Ok(Output {})
}
