//! Webhooks of projects, the deliveries that were taken, and pull requests that wait for an approval.

use base::{Scope, Timestamp};

use crate::{Error, SqlRow, Tx, args, machine};

/// A stored webhook.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub scope: Scope,
    pub project: String,
    /// What its payload URL ends in; names it.
    pub token: String,
    /// Sealed.
    pub secret: Vec<u8>,
    /// Canonical JSON.
    pub config: serde_json::Value,
    pub secret_changed: Timestamp,
}

/// A pull request that waits.
#[derive(Clone, Debug, PartialEq)]
pub struct PullRequest {
    /// Its newest commit.
    pub head: String,
    /// What the webhook told of it, as JSON.
    pub event: String,
}

/// Adds or replaces the webhook of a project.
pub async fn put(tx: &mut Tx, row: &Row) -> Result<(), Error> {
    let (account, region) = (row.scope.account.as_str(), row.scope.region.as_str());
    tx.execute(
        "INSERT INTO codebuild_webhook (account, region, project, token, secret, config, secret_changed)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (account, region, project) DO UPDATE SET secret = $5, config = $6, secret_changed = $7",
        args![
            account,
            region,
            &row.project,
            &row.token,
            row.secret.clone(),
            row.config.to_string(),
            row.secret_changed
        ],
    )
    .await?;
    Ok(())
}

/// The webhook of a project.
pub async fn of_project(tx: &mut Tx, scope: &Scope, project: &str) -> Result<Option<Row>, Error> {
    let sql = "SELECT account, region, project, token, secret, config, secret_changed FROM codebuild_webhook
               WHERE account = $1 AND region = $2 AND project = $3";
    let row = tx.fetch_optional(sql, args![scope.account.as_str(), scope.region.as_str(), project]).await?;
    row.as_ref().map(read).transpose()
}

/// The webhook that a payload URL ends in.
pub async fn by_token(tx: &mut Tx, token: &str) -> Result<Option<Row>, Error> {
    let sql = "SELECT account, region, project, token, secret, config, secret_changed FROM codebuild_webhook
               WHERE token = $1";
    tx.fetch_optional(sql, args![token]).await?.as_ref().map(read).transpose()
}

/// Removes the webhook of a project, with what was delivered to it.
pub async fn delete(tx: &mut Tx, scope: &Scope, project: &str) -> Result<(), Error> {
    let Some(row) = of_project(tx, scope, project).await? else { return Ok(()) };
    for sql in [
        "DELETE FROM codebuild_webhook WHERE token = $1",
        "DELETE FROM codebuild_delivery WHERE webhook = $1",
        "DELETE FROM codebuild_pull_request WHERE webhook = $1",
    ] {
        tx.execute(sql, args![&row.token]).await?;
    }
    Ok(())
}

/// Notes that a delivery is taken; false when it was taken before. What is older than `since` is forgotten.
pub async fn take(tx: &mut Tx, webhook: &str, mark: &str, since: Timestamp) -> Result<bool, Error> {
    let now = tx.now();
    tx.execute("DELETE FROM codebuild_delivery WHERE taken < $1", args![since]).await?;
    let sql = "INSERT INTO codebuild_delivery (webhook, mark, taken) VALUES ($1, $2, $3)
               ON CONFLICT (webhook, mark) DO NOTHING";
    Ok(tx.execute(sql, args![webhook, mark, now]).await? == 1)
}

/// Notes the newest commit of a pull request that waits for an approval.
pub async fn hold(tx: &mut Tx, webhook: &str, number: i64, held: &PullRequest) -> Result<(), Error> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO codebuild_pull_request (webhook, number, head, event, updated) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (webhook, number) DO UPDATE SET head = $3, event = $4, updated = $5",
        args![webhook, number, &held.head, &held.event, now],
    )
    .await?;
    Ok(())
}

/// The pull request that waits, if it does.
pub async fn held(tx: &mut Tx, webhook: &str, number: i64) -> Result<Option<PullRequest>, Error> {
    let sql = "SELECT head, event FROM codebuild_pull_request WHERE webhook = $1 AND number = $2";
    let row = tx.fetch_optional(sql, args![webhook, number]).await?;
    row.map(|r| Ok(PullRequest { head: r.text(0)?, event: r.text(1)? })).transpose()
}

fn read(row: &SqlRow) -> Result<Row, Error> {
    Ok(Row {
        scope: machine::scope(row.text(0)?, row.text(1)?)?,
        project: row.text(2)?,
        token: row.text(3)?,
        secret: row.blob(4)?,
        config: row.json(5)?,
        secret_changed: row.time(6)?,
    })
}
