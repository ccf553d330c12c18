//! The newest revision of each source that is polled.

use base::Scope;

use crate::{Error, Tx, args};

/// What was seen last of the source (`source` says which it was), by the action of a pipeline.
pub async fn get(tx: &mut Tx, scope: &Scope, pipeline: &str, action: &str) -> Result<Option<(String, String)>, Error> {
    let sql = "SELECT source, revision FROM codepipeline_poll
               WHERE account = $1 AND region = $2 AND pipeline = $3 AND action = $4";
    let row = tx.fetch_optional(sql, args![scope.account.as_str(), scope.region.as_str(), pipeline, action]).await?;
    row.map(|row| Ok((row.text(0)?, row.text(1)?))).transpose()
}

/// Notes what was seen.
pub async fn set(
    tx: &mut Tx,
    scope: &Scope,
    pipeline: &str,
    action: &str,
    (source, revision): (&str, &str),
) -> Result<(), Error> {
    let sql = "INSERT INTO codepipeline_poll (account, region, pipeline, action, source, revision)
               VALUES ($1, $2, $3, $4, $5, $6)
               ON CONFLICT (account, region, pipeline, action) DO UPDATE SET source = $5, revision = $6";
    let args = args![scope.account.as_str(), scope.region.as_str(), pipeline, action, source, revision];
    tx.execute(sql, args).await.map(|_| ())
}

/// Forgets a pipeline.
pub async fn forget(tx: &mut Tx, scope: &Scope, pipeline: &str) -> Result<(), Error> {
    let sql = "DELETE FROM codepipeline_poll WHERE account = $1 AND region = $2 AND pipeline = $3";
    tx.execute(sql, args![scope.account.as_str(), scope.region.as_str(), pipeline]).await.map(|_| ())
}
