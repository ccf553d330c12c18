//! DeleteHost: removes a host that no connection goes to.
//! <https://docs.aws.amazon.com/codeconnections/latest/APIReference/API_DeleteHost.html>

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::{codeconnections_connection, codeconnections_host};

use super::arn::Resource;
use super::errors;

/// The request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub host_arn: String,
}

/// The answer.
#[derive(Debug, Serialize)]
pub struct Output {}

/// Deletes a host.
pub async fn delete_host(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let (scope, id, arn) = (cx.scope().clone(), Resource::host(cx.scope(), &input.host_arn)?, input.host_arn);
    let delete = cx.store.write(move |tx| {
        let (scope, id, arn) = (scope.clone(), id.clone(), arn.clone());
        Box::pin(async move {
            if codeconnections_host::get(tx, &scope, &id).await?.is_none() {
                return Err(errors::not_found(&arn));
            }
            if codeconnections_connection::uses_host(tx, &scope, &arn).await? {
                return Err(errors::unavailable(format!("Connections go to {arn}: delete them first")));
            }
            Ok(codeconnections_host::delete(tx, &scope, &id).await?)
        })
    });
    delete.await?;
    Ok(Output {})
}
