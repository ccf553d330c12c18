//! Webhooks of pipelines, and the deliveries that were taken.

use base::{Scope, Tags, Timestamp};

use crate::sql::SqlRow;
use crate::{Error, Tx, args, machine};

/// A stored webhook.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub scope: Scope,
    pub name: String,
    /// What its URL ends in; names it.
    pub token: String,
    /// Sealed; none when its deliveries are not signed.
    pub secret: Option<Vec<u8>>,
    /// JSON, without the secret.
    pub definition: serde_json::Value,
    pub tags: Tags,
    /// When it started its pipeline last.
    pub triggered: Option<Timestamp>,
    /// Why the last delivery that fitted did not start the pipeline: code and message.
    pub error: Option<(String, String)>,
}

const COLUMNS: &str = "account, region, name, token, secret, definition, tags, triggered, error_code, error_message";

/// Adds a webhook, or replaces it but for its token.
pub async fn put(tx: &mut Tx, row: &Row) -> Result<(), Error> {
    let (account, region) = (row.scope.account.as_str(), row.scope.region.as_str());
    tx.execute(
        "INSERT INTO codepipeline_webhook (account, region, name, token, secret, definition, tags)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (account, region, name) DO UPDATE SET secret = $5, definition = $6, tags = $7",
        args![
            account,
            region,
            &row.name,
            &row.token,
            row.secret.clone(),
            row.definition.to_string(),
            super::json(&row.tags)
        ],
    )
    .await?;
    Ok(())
}

/// The webhook of this name.
pub async fn get(tx: &mut Tx, scope: &Scope, name: &str) -> Result<Option<Row>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM codepipeline_webhook WHERE account = $1 AND region = $2 AND name = $3");
    let row =
        tx.fetch_optional(sqlx::AssertSqlSafe(sql), args![scope.account.as_str(), scope.region.as_str(), name]).await?;
    row.as_ref().map(read).transpose()
}

/// The webhook that a URL ends in.
pub async fn by_token(tx: &mut Tx, token: &str) -> Result<Option<Row>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM codepipeline_webhook WHERE token = $1");
    tx.fetch_optional(sqlx::AssertSqlSafe(sql), args![token]).await?.as_ref().map(read).transpose()
}

/// Webhooks by name, after `after`.
pub async fn list(tx: &mut Tx, scope: &Scope, after: &str, limit: u32) -> Result<Vec<Row>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM codepipeline_webhook
         WHERE account = $1 AND region = $2 AND name > $3 ORDER BY name LIMIT $4"
    );
    let args = args![scope.account.as_str(), scope.region.as_str(), after, limit];
    tx.fetch_all(sqlx::AssertSqlSafe(sql), args).await?.iter().map(read).collect()
}

/// How many webhooks there are.
pub async fn count(tx: &mut Tx, scope: &Scope) -> Result<i64, Error> {
    let sql = "SELECT COUNT(*) FROM codepipeline_webhook WHERE account = $1 AND region = $2";
    let row = tx.fetch_optional(sql, args![scope.account.as_str(), scope.region.as_str()]).await?;
    row.map_or(Ok(0), |r| r.int(0))
}

/// Writes a webhook's tags.
pub async fn set_tags(tx: &mut Tx, scope: &Scope, name: &str, tags: &Tags) -> Result<(), Error> {
    let sql = "UPDATE codepipeline_webhook SET tags = $4 WHERE account = $1 AND region = $2 AND name = $3";
    tx.execute(sql, args![scope.account.as_str(), scope.region.as_str(), name, super::json(tags)]).await.map(|_| ())
}

/// Notes that a delivery has started the pipeline, now.
pub async fn set_triggered(tx: &mut Tx, token: &str) -> Result<(), Error> {
    let now = tx.now();
    let sql =
        "UPDATE codepipeline_webhook SET triggered = $2, error_code = NULL, error_message = NULL WHERE token = $1";
    tx.execute(sql, args![token, now]).await.map(|_| ())
}

/// Notes why a delivery that fitted has not started the pipeline.
pub async fn set_error(tx: &mut Tx, token: &str, code: &str, message: &str) -> Result<(), Error> {
    let sql = "UPDATE codepipeline_webhook SET error_code = $2, error_message = $3 WHERE token = $1";
    tx.execute(sql, args![token, code, message]).await.map(|_| ())
}

/// Removes a webhook, with what was delivered to it. Removing what is not there changes nothing.
pub async fn delete(tx: &mut Tx, scope: &Scope, name: &str) -> Result<(), Error> {
    let Some(row) = get(tx, scope, name).await? else { return Ok(()) };
    for sql in
        ["DELETE FROM codepipeline_webhook WHERE token = $1", "DELETE FROM codepipeline_delivery WHERE webhook = $1"]
    {
        tx.execute(sql, args![&row.token]).await?;
    }
    Ok(())
}

/// Notes that a delivery is taken; false when it was taken before. Without an end it is known as long as the webhook is there.
pub async fn take(tx: &mut Tx, webhook: &str, mark: &str, expires: Option<Timestamp>) -> Result<bool, Error> {
    let now = tx.now();
    tx.execute("DELETE FROM codepipeline_delivery WHERE expires < $1", args![now]).await?;
    let sql = "INSERT INTO codepipeline_delivery (webhook, mark, taken, expires) VALUES ($1, $2, $3, $4)
               ON CONFLICT (webhook, mark) DO NOTHING";
    Ok(tx.execute(sql, args![webhook, mark, now, expires]).await? == 1)
}

/// Forgets that a delivery was taken.
pub async fn give_back(tx: &mut Tx, webhook: &str, mark: &str) -> Result<(), Error> {
    let sql = "DELETE FROM codepipeline_delivery WHERE webhook = $1 AND mark = $2";
    tx.execute(sql, args![webhook, mark]).await.map(|_| ())
}

fn read(row: &SqlRow) -> Result<Row, Error> {
    Ok(Row {
        scope: machine::scope(row.text(0)?, row.text(1)?)?,
        name: row.text(2)?,
        token: row.text(3)?,
        secret: row.opt_blob(4)?,
        definition: row.json(5)?,
        tags: row.json(6)?,
        triggered: row.opt_time(7)?,
        error: row.opt_text(8)?.zip(row.opt_text(9)?),
    })
}
