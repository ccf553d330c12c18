//! Policies that live inside a user or role.

use crate::{Error, Tx, args};

/// Adds a policy or replaces the one of this name.
pub async fn put(tx: &mut Tx, owner: &str, name: &str, document: &str) -> Result<(), Error> {
    let sql = "INSERT INTO iam_inline_policy (owner, name, document) VALUES ($1, $2, $3) \
               ON CONFLICT (owner, name) DO UPDATE SET document = excluded.document";
    tx.execute(sql, args![owner, name, document]).await.map(|_| ())
}

/// A policy's document.
pub async fn get(tx: &mut Tx, owner: &str, name: &str) -> Result<Option<String>, Error> {
    let sql = "SELECT document FROM iam_inline_policy WHERE owner = $1 AND name = $2";
    tx.fetch_optional(sql, args![owner, name]).await?.map(|r| r.text(0)).transpose()
}

/// Names and documents, by name.
pub async fn list(tx: &mut Tx, owner: &str) -> Result<Vec<(String, String)>, Error> {
    let sql = "SELECT name, document FROM iam_inline_policy WHERE owner = $1 ORDER BY name";
    tx.fetch_all(sql, args![owner]).await?.iter().map(|r| Ok((r.text(0)?, r.text(1)?))).collect()
}

/// Removes a policy; gives whether it was there.
pub async fn delete(tx: &mut Tx, owner: &str, name: &str) -> Result<bool, Error> {
    let sql = "DELETE FROM iam_inline_policy WHERE owner = $1 AND name = $2";
    Ok(tx.execute(sql, args![owner, name]).await? == 1)
}
