//! Every version of every pipeline's declaration, as JSON.

use std::sync::Arc;

use base::Scope;
use serde::de::DeserializeOwned;

use crate::{Error, Tx, args};

/// Adds a version.
pub async fn insert(tx: &mut Tx, scope: &Scope, name: &str, version: u32, declaration: &str) -> Result<(), Error> {
    let sql = "INSERT INTO codepipeline_declaration (account, region, name, version, declaration)
               VALUES ($1, $2, $3, $4, $5)";
    let args = args![scope.account.as_str(), scope.region.as_str(), name, version, declaration];
    tx.execute(sql, args).await.map(|_| ())
}

/// The declaration of one version.
pub async fn get<T>(tx: &mut Tx, scope: &Scope, name: &str, version: u32) -> Result<Option<Arc<T>>, Error>
where
    T: DeserializeOwned + Send + Sync + 'static,
{
    let sql = "SELECT declaration FROM codepipeline_declaration
               WHERE account = $1 AND region = $2 AND name = $3 AND version = $4";
    let args = args![scope.account.as_str(), scope.region.as_str(), name, version];
    tx.fetch_optional(sql, args).await?.map(|r| r.shared_json(0)).transpose()
}

/// Removes all versions of a pipeline.
pub async fn delete(tx: &mut Tx, scope: &Scope, name: &str) -> Result<(), Error> {
    let sql = "DELETE FROM codepipeline_declaration WHERE account = $1 AND region = $2 AND name = $3";
    tx.execute(sql, args![scope.account.as_str(), scope.region.as_str(), name]).await.map(|_| ())
}
