//! DeleteFleet: the fleet is gone at once; builds that wait for it run without one. Deleting what is gone changes nothing.

use base::ApiError;
use engine::build_queue::QueueInput;
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::codebuild_fleet;

use super::queue;

/// The request.
#[derive(Clone, Debug, Deserialize)]
pub struct Input {
    pub arn: String,
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
pub struct Output {}

/// Deletes a fleet.
pub async fn delete_fleet(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let scope = cx.scope().clone();
    cx.store
        .write(move |tx| {
            let (scope, arn) = (scope.clone(), input.arn.clone());
            Box::pin(async move {
                codebuild_fleet::delete(tx, &scope, &arn).await?;
                queue::tell(tx, &scope, QueueInput::Fleet { arn, slots: None }).await
            })
        })
        .await?;
    Ok(Output {})
}
