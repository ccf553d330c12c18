//! Who has pushed what into repositories.

use std::collections::BTreeSet;

use crate::sql::parts;
use crate::{Arg, Error, Tx, args};

/// Notes that a principal (an ARN) has brought these commits into the repository, or pointed a ref at them.
pub async fn add(tx: &mut Tx, repository: &str, commits: &[String], principal: &str) -> Result<(), Error> {
    for part in parts(commits) {
        let rows: Vec<String> = (0..part.len()).map(|n| format!("($1, ${}, $2)", n + 3)).collect();
        let sql = format!(
            "INSERT INTO codecommit_push (repository, object, principal) VALUES {}
             ON CONFLICT (repository, object, principal) DO NOTHING",
            rows.join(", ")
        );
        let given = part.iter().map(|commit| commit.as_str().into());
        let args: Vec<Arg> = [repository.into(), principal.into()].into_iter().chain(given).collect();
        tx.execute(sqlx::AssertSqlSafe(sql), &args).await?;
    }
    Ok(())
}

/// The principals who have brought these commits into the repository, or pointed a ref at them, in order.
pub async fn pushers(tx: &mut Tx, repository: &str, commits: &[String]) -> Result<Vec<String>, Error> {
    let mut all = BTreeSet::new();
    for part in parts(commits) {
        let places: Vec<String> = (0..part.len()).map(|n| format!("${}", n + 2)).collect();
        let sql = format!(
            "SELECT DISTINCT principal FROM codecommit_push WHERE repository = $1 AND object IN ({})",
            places.join(", ")
        );
        let given = part.iter().map(|commit| commit.as_str().into());
        let args: Vec<Arg> = std::iter::once(repository.into()).chain(given).collect();
        for row in tx.fetch_all(sqlx::AssertSqlSafe(sql), &args).await? {
            all.insert(row.text(0)?);
        }
    }
    Ok(all.into_iter().collect())
}

/// Forgets a repository.
pub async fn forget(tx: &mut Tx, repository: &str) -> Result<(), Error> {
    tx.execute("DELETE FROM codecommit_push WHERE repository = $1", args![repository]).await.map(|_| ())
}
