//! StopBuild: asks the build to end. The answer shows it as it is then: a running job is over when its processes are.
//! Stopping a build that is over changes nothing, as on AWS.

use base::ApiError;
use engine::build::{Build, BuildInput};
use platform::Cx;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{AdvanceError, advance};

use super::batch_get_builds::find;
use super::build_view::view;
use super::errors;

/// The request.
#[derive(Clone, Debug, Deserialize)]
pub struct Input {
    pub id: String,
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
pub struct Output {
    pub build: Value,
}

/// Stops a build.
pub async fn stop_build(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    if !input.id.contains(':') {
        return Err(errors::invalid("Invalid build ID provided"));
    }
    let scope = cx.scope().clone();
    let state = cx
        .store
        .write(move |tx| {
            let (scope, id) = (scope.clone(), input.id.clone());
            Box::pin(async move {
                let row = find(tx, &scope, &id).await?.ok_or_else(|| errors::build_not_found(&id))?;
                match advance::<Build>(tx, &row.id, BuildInput::Stop {}).await {
                    Ok(advanced) => Ok(advanced.state),
                    Err(AdvanceError::Refused(_)) => Ok(row.state),
                    Err(AdvanceError::NotFound) => Err(errors::build_not_found(&id)),
                    Err(AdvanceError::Store(e)) => Err(e.into()),
                }
            })
        })
        .await?;
    Ok(Output { build: view(&state) })
}
