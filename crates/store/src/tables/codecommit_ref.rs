//! Refs of repositories.

use crate::{Error, Tx, args};

/// A ref.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The full name, `refs/heads/main` say.
    pub name: String,
    /// The id of the object, 40 hexadecimal digits.
    pub object: String,
}

/// All refs of a repository.
pub async fn all(tx: &mut Tx, repository: &str) -> Result<Vec<Row>, Error> {
    let sql = "SELECT name, object FROM codecommit_ref WHERE repository = $1 ORDER BY name";
    let rows = tx.fetch_all(sql, args![repository]).await?;
    rows.iter().map(|r| Ok(Row { name: r.text(0)?, object: r.text(1)? })).collect()
}

/// The names of at most `limit` refs that begin with `prefix` and come behind `after`.
pub async fn names(tx: &mut Tx, repository: &str, prefix: &str, after: &str, limit: u32) -> Result<Vec<String>, Error> {
    let sql = "SELECT name FROM codecommit_ref WHERE repository = $1 AND substr(name, 1, length($2)) = $2 \
               AND name > $3 ORDER BY name LIMIT $4";
    let rows = tx.fetch_all(sql, args![repository, prefix, after, limit]).await?;
    rows.iter().map(|r| r.text(0)).collect()
}

/// What a ref points at.
pub async fn get(tx: &mut Tx, repository: &str, name: &str) -> Result<Option<String>, Error> {
    let sql = "SELECT object FROM codecommit_ref WHERE repository = $1 AND name = $2";
    tx.fetch_optional(sql, args![repository, name]).await?.map(|r| r.text(0)).transpose()
}

/// Points a ref at an object, whether it is there or not.
pub async fn set(tx: &mut Tx, repository: &str, name: &str, object: &str) -> Result<(), Error> {
    let sql = "INSERT INTO codecommit_ref (repository, name, object) VALUES ($1, $2, $3) \
               ON CONFLICT (repository, name) DO UPDATE SET object = $3";
    tx.execute(sql, args![repository, name, object]).await.map(|_| ())
}

/// Deletes a ref.
pub async fn delete(tx: &mut Tx, repository: &str, name: &str) -> Result<(), Error> {
    let sql = "DELETE FROM codecommit_ref WHERE repository = $1 AND name = $2";
    tx.execute(sql, args![repository, name]).await.map(|_| ())
}
