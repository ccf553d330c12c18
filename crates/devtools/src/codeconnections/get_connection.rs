//! GetConnection: a connection and whether it is complete.
//! <https://docs.aws.amazon.com/codeconnections/latest/APIReference/API_GetConnection.html>

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::Tx;
use store::tables::codeconnections_connection::{self, Row};

use super::arn::{Resource, of_connection};
use super::{ConnectionProvider, errors, login};

/// The request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub connection_arn: String,
}

/// The answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub connection: Connection,
}

/// A connection as clients see it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Connection {
    connection_name: String,
    connection_arn: String,
    provider_type: String,
    owner_account_id: String,
    connection_status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    host_arn: Option<String>,
}

/// Reads a connection.
pub async fn get_connection(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let id = Resource::connection(cx.scope(), &input.connection_arn)?;
    let mut tx = cx.store.read().await?;
    let row = codeconnections_connection::get(&mut tx, cx.scope(), &id).await?;
    let row = row.ok_or_else(|| errors::not_found(&input.connection_arn))?;
    Ok(Output { connection: view(&mut tx, cx, row).await? })
}

/// PENDING until there is a login.
pub(super) async fn view(tx: &mut Tx, cx: &Cx, row: Row) -> Result<Connection, ApiError> {
    let complete = match ConnectionProvider::parse(&row.provider) {
        Some(provider) => login::is_complete(tx, cx, provider, &row.tags).await?,
        None => false,
    };
    Ok(Connection {
        connection_arn: of_connection(&row.scope, &row.service, &row.id),
        connection_name: row.name,
        provider_type: row.provider,
        owner_account_id: row.scope.account.to_string(),
        connection_status: if complete { "AVAILABLE" } else { "PENDING" },
        host_arn: row.host,
    })
}
