//! Source credentials: one for each kind of server.

use base::{Scope, Timestamp};

use crate::{Error, SqlRow, Tx, args};

/// A stored credential.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub server_type: String,
    pub auth_type: String,
    pub username: Option<String>,
    /// What the token is kept in, if not here: a secret's ARN.
    pub resource: Option<String>,
    /// Sealed.
    pub token: Vec<u8>,
    pub created: Timestamp,
}

/// Adds or replaces a credential.
pub async fn put(tx: &mut Tx, scope: &Scope, row: &Row) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO codebuild_credential (account, region, server_type, auth_type, username, resource, token, created)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (account, region, server_type)
         DO UPDATE SET auth_type = $4, username = $5, resource = $6, token = $7, created = $8",
        args![
            scope.account.as_str(),
            scope.region.as_str(),
            &row.server_type,
            &row.auth_type,
            row.username.as_deref(),
            row.resource.as_deref(),
            row.token.clone(),
            row.created
        ],
    )
    .await?;
    Ok(())
}

/// The credential for a kind of server.
pub async fn get(tx: &mut Tx, scope: &Scope, server_type: &str) -> Result<Option<Row>, Error> {
    let sql = "SELECT server_type, auth_type, username, resource, token, created FROM codebuild_credential
               WHERE account = $1 AND region = $2 AND server_type = $3";
    let row = tx.fetch_optional(sql, args![scope.account.as_str(), scope.region.as_str(), server_type]).await?;
    row.as_ref().map(read).transpose()
}

/// All credentials of a scope.
pub async fn list(tx: &mut Tx, scope: &Scope) -> Result<Vec<Row>, Error> {
    let sql = "SELECT server_type, auth_type, username, resource, token, created FROM codebuild_credential
               WHERE account = $1 AND region = $2 ORDER BY server_type";
    tx.fetch_all(sql, args![scope.account.as_str(), scope.region.as_str()]).await?.iter().map(read).collect()
}

/// Removes a credential; false when there is none.
pub async fn delete(tx: &mut Tx, scope: &Scope, server_type: &str) -> Result<bool, Error> {
    let sql = "DELETE FROM codebuild_credential WHERE account = $1 AND region = $2 AND server_type = $3";
    Ok(tx.execute(sql, args![scope.account.as_str(), scope.region.as_str(), server_type]).await? == 1)
}

fn read(row: &SqlRow) -> Result<Row, Error> {
    Ok(Row {
        server_type: row.text(0)?,
        auth_type: row.text(1)?,
        username: row.opt_text(2)?,
        resource: row.opt_text(3)?,
        token: row.blob(4)?,
        created: row.time(5)?,
    })
}
