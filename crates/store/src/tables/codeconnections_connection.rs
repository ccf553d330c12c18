//! Connections to git servers, and the deliveries that were taken for them.

use base::{Scope, Tags, Timestamp};

use crate::sql::SqlRow;
use crate::{Error, Tx, args, machine};

/// A stored connection.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub scope: Scope,
    /// A UUID.
    pub id: String,
    /// `codeconnections` or `codestar-connections`: as in its ARN.
    pub service: String,
    pub name: String,
    /// The model's `ProviderType`.
    pub provider: String,
    /// The host's ARN.
    pub host: Option<String>,
    pub tags: Tags,
}

/// Adds a connection.
pub async fn insert(tx: &mut Tx, row: &Row) -> Result<(), Error> {
    let sql = "INSERT INTO codeconnections_connection (account, region, id, service, name, provider, host, tags)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let args = args![
        row.scope.account.as_str(),
        row.scope.region.as_str(),
        &row.id,
        &row.service,
        &row.name,
        &row.provider,
        row.host.as_deref(),
        super::json(&row.tags)
    ];
    tx.execute(sql, args).await.map(|_| ())
}

/// The connection of this id.
pub async fn get(tx: &mut Tx, scope: &Scope, id: &str) -> Result<Option<Row>, Error> {
    let sql = "SELECT account, region, id, service, name, provider, host, tags FROM codeconnections_connection
               WHERE account = $1 AND region = $2 AND id = $3";
    let row = tx.fetch_optional(sql, args![scope.account.as_str(), scope.region.as_str(), id]).await?;
    row.as_ref().map(read).transpose()
}

/// The connection of this id, whoever's it is.
pub async fn find(tx: &mut Tx, id: &str) -> Result<Option<Row>, Error> {
    let sql = "SELECT account, region, id, service, name, provider, host, tags FROM codeconnections_connection
               WHERE id = $1 ORDER BY account, region LIMIT 1";
    tx.fetch_optional(sql, args![id]).await?.as_ref().map(read).transpose()
}

/// Connections by id, after `after`.
pub async fn list(tx: &mut Tx, scope: &Scope, after: &str, limit: u32) -> Result<Vec<Row>, Error> {
    let sql = "SELECT account, region, id, service, name, provider, host, tags FROM codeconnections_connection
               WHERE account = $1 AND region = $2 AND id > $3 ORDER BY id LIMIT $4";
    let args = args![scope.account.as_str(), scope.region.as_str(), after, limit];
    tx.fetch_all(sql, args).await?.iter().map(read).collect()
}

/// Whether a connection goes to this host.
pub async fn uses_host(tx: &mut Tx, scope: &Scope, host: &str) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM codeconnections_connection WHERE account = $1 AND region = $2 AND host = $3 LIMIT 1";
    let row = tx.fetch_optional(sql, args![scope.account.as_str(), scope.region.as_str(), host]).await?;
    Ok(row.is_some())
}

/// Writes a connection's tags.
pub async fn set_tags(tx: &mut Tx, scope: &Scope, id: &str, tags: &Tags) -> Result<(), Error> {
    let sql = "UPDATE codeconnections_connection SET tags = $4 WHERE account = $1 AND region = $2 AND id = $3";
    tx.execute(sql, args![scope.account.as_str(), scope.region.as_str(), id, super::json(tags)]).await.map(|_| ())
}

/// Removes a connection, with what was delivered for it; false when there is none.
pub async fn delete(tx: &mut Tx, scope: &Scope, id: &str) -> Result<bool, Error> {
    let sql = "DELETE FROM codeconnections_connection WHERE account = $1 AND region = $2 AND id = $3";
    let gone = tx.execute(sql, args![scope.account.as_str(), scope.region.as_str(), id]).await? == 1;
    if gone {
        tx.execute("DELETE FROM codeconnections_delivery WHERE connection = $1", args![id]).await?;
    }
    Ok(gone)
}

/// Notes that a delivery is taken; false when it was taken before. What is older than `since` is forgotten.
pub async fn take(tx: &mut Tx, connection: &str, mark: &str, since: Timestamp) -> Result<bool, Error> {
    let now = tx.now();
    tx.execute("DELETE FROM codeconnections_delivery WHERE taken < $1", args![since]).await?;
    let sql = "INSERT INTO codeconnections_delivery (connection, mark, taken) VALUES ($1, $2, $3)
               ON CONFLICT (connection, mark) DO NOTHING";
    Ok(tx.execute(sql, args![connection, mark, now]).await? == 1)
}

fn read(row: &SqlRow) -> Result<Row, Error> {
    Ok(Row {
        scope: machine::scope(row.text(0)?, row.text(1)?)?,
        id: row.text(2)?,
        service: row.text(3)?,
        name: row.text(4)?,
        provider: row.text(5)?,
        host: row.opt_text(6)?,
        tags: row.json(7)?,
    })
}
