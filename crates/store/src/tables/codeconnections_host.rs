//! Hosts of connections: git servers that are somebody's own.

use base::{Scope, Tags};

use crate::sql::SqlRow;
use crate::{Error, Tx, args};

/// A stored host.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What its ARN ends in.
    pub id: String,
    /// `codeconnections` or `codestar-connections`: as in its ARN.
    pub service: String,
    pub name: String,
    /// The model's `ProviderType`.
    pub provider: String,
    /// The server's URL.
    pub endpoint: String,
    pub tags: Tags,
}

/// Adds a host.
pub async fn insert(tx: &mut Tx, scope: &Scope, row: &Row) -> Result<(), Error> {
    let sql = "INSERT INTO codeconnections_host (account, region, id, service, name, provider, endpoint, tags)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let args = args![
        scope.account.as_str(),
        scope.region.as_str(),
        &row.id,
        &row.service,
        &row.name,
        &row.provider,
        &row.endpoint,
        super::json(&row.tags)
    ];
    tx.execute(sql, args).await.map(|_| ())
}

/// The host of this id.
pub async fn get(tx: &mut Tx, scope: &Scope, id: &str) -> Result<Option<Row>, Error> {
    let sql = "SELECT id, service, name, provider, endpoint, tags FROM codeconnections_host
               WHERE account = $1 AND region = $2 AND id = $3";
    let row = tx.fetch_optional(sql, args![scope.account.as_str(), scope.region.as_str(), id]).await?;
    row.as_ref().map(read).transpose()
}

/// Hosts by id, after `after`.
pub async fn list(tx: &mut Tx, scope: &Scope, after: &str, limit: u32) -> Result<Vec<Row>, Error> {
    let sql = "SELECT id, service, name, provider, endpoint, tags FROM codeconnections_host
               WHERE account = $1 AND region = $2 AND id > $3 ORDER BY id LIMIT $4";
    let args = args![scope.account.as_str(), scope.region.as_str(), after, limit];
    tx.fetch_all(sql, args).await?.iter().map(read).collect()
}

/// Writes a host's endpoint.
pub async fn set_endpoint(tx: &mut Tx, scope: &Scope, id: &str, endpoint: &str) -> Result<(), Error> {
    let sql = "UPDATE codeconnections_host SET endpoint = $4 WHERE account = $1 AND region = $2 AND id = $3";
    tx.execute(sql, args![scope.account.as_str(), scope.region.as_str(), id, endpoint]).await.map(|_| ())
}

/// Writes a host's tags.
pub async fn set_tags(tx: &mut Tx, scope: &Scope, id: &str, tags: &Tags) -> Result<(), Error> {
    let sql = "UPDATE codeconnections_host SET tags = $4 WHERE account = $1 AND region = $2 AND id = $3";
    tx.execute(sql, args![scope.account.as_str(), scope.region.as_str(), id, super::json(tags)]).await.map(|_| ())
}

/// Removes a host.
pub async fn delete(tx: &mut Tx, scope: &Scope, id: &str) -> Result<(), Error> {
    let sql = "DELETE FROM codeconnections_host WHERE account = $1 AND region = $2 AND id = $3";
    tx.execute(sql, args![scope.account.as_str(), scope.region.as_str(), id]).await.map(|_| ())
}

fn read(row: &SqlRow) -> Result<Row, Error> {
    Ok(Row {
        id: row.text(0)?,
        service: row.text(1)?,
        name: row.text(2)?,
        provider: row.text(3)?,
        endpoint: row.text(4)?,
        tags: row.json(5)?,
    })
}
