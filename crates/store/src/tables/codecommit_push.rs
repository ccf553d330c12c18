//! Who has pushed what into repositories.

use crate::{Error, Tx, args};

/// Notes that a principal (an ARN) has pointed a ref of the repository at an object.
pub async fn add(tx: &mut Tx, repository: &str, object: &str, principal: &str) -> Result<(), Error> {
    let sql = "INSERT INTO codecommit_push (repository, object, principal) VALUES ($1, $2, $3)
               ON CONFLICT (repository, object, principal) DO NOTHING";
    tx.execute(sql, args![repository, object, principal]).await.map(|_| ())
}

/// The principals who have pointed a ref of the repository at this object.
pub async fn pushers(tx: &mut Tx, repository: &str, object: &str) -> Result<Vec<String>, Error> {
    let sql = "SELECT principal FROM codecommit_push WHERE repository = $1 AND object = $2 ORDER BY principal";
    tx.fetch_all(sql, args![repository, object]).await?.iter().map(|row| row.text(0)).collect()
}

/// Forgets a repository.
pub async fn forget(tx: &mut Tx, repository: &str) -> Result<(), Error> {
    tx.execute("DELETE FROM codecommit_push WHERE repository = $1", args![repository]).await.map(|_| ())
}
