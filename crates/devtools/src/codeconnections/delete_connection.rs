//! DeleteConnection: removes a connection. The secret that its tag names stays.
//! <https://docs.aws.amazon.com/codeconnections/latest/APIReference/API_DeleteConnection.html>

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::codeconnections_connection;

use super::arn::Resource;
use super::errors;

/// The request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub connection_arn: String,
}

/// The answer.
#[derive(Debug, Serialize)]
pub struct Output {}

/// Deletes a connection.
pub async fn delete_connection(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let (scope, id) = (cx.scope().clone(), Resource::connection(cx.scope(), &input.connection_arn)?);
    let delete = cx.store.write(move |tx| {
        let (scope, id) = (scope.clone(), id.clone());
        Box::pin(async move { codeconnections_connection::delete(tx, &scope, &id).await })
    });
    if delete.await? { Ok(Output {}) } else { Err(errors::not_found(&input.connection_arn)) }
}
