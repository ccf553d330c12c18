//! The secret values of actions' configurations.

use base::Scope;

use crate::{Error, Tx, args};

/// The sealed value at a place (`STAGE/ACTION/KEY`).
pub async fn get(tx: &mut Tx, scope: &Scope, pipeline: &str, place: &str) -> Result<Option<Vec<u8>>, Error> {
    let sql = "SELECT secret FROM codepipeline_secret
               WHERE account = $1 AND region = $2 AND pipeline = $3 AND place = $4";
    let args = args![scope.account.as_str(), scope.region.as_str(), pipeline, place];
    tx.fetch_optional(sql, args).await?.map(|row| row.blob(0)).transpose()
}

/// Makes `secrets`, by place, the pipeline's.
pub async fn replace(tx: &mut Tx, scope: &Scope, pipeline: &str, secrets: &[(String, Vec<u8>)]) -> Result<(), Error> {
    let (account, region) = (scope.account.as_str(), scope.region.as_str());
    let sql = "DELETE FROM codepipeline_secret WHERE account = $1 AND region = $2 AND pipeline = $3";
    tx.execute(sql, args![account, region, pipeline]).await?;
    for (place, secret) in secrets {
        let sql = "INSERT INTO codepipeline_secret (account, region, pipeline, place, secret)
                   VALUES ($1, $2, $3, $4, $5)";
        tx.execute(sql, args![account, region, pipeline, place, secret.clone()]).await?;
    }
    Ok(())
}
