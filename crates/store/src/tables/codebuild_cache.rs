//! Which generation of a cache counts. Invalidating begins a new one.

use base::Scope;

use crate::{Error, Tx, args};

/// The generation of a namespace; 0 at first.
pub async fn generation(tx: &mut Tx, scope: &Scope, namespace: &str) -> Result<i64, Error> {
    let sql = "SELECT generation FROM codebuild_cache WHERE account = $1 AND region = $2 AND namespace = $3";
    let row = tx.fetch_optional(sql, args![scope.account.as_str(), scope.region.as_str(), namespace]).await?;
    row.map_or(Ok(0), |r| r.int(0))
}

/// Begins a new generation.
pub async fn invalidate(tx: &mut Tx, scope: &Scope, namespace: &str) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO codebuild_cache (account, region, namespace, generation) VALUES ($1, $2, $3, 1)
         ON CONFLICT (account, region, namespace) DO UPDATE SET generation = codebuild_cache.generation + 1",
        args![scope.account.as_str(), scope.region.as_str(), namespace],
    )
    .await?;
    Ok(())
}
