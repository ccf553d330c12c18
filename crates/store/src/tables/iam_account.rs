//! Accounts of this installation.

use base::Timestamp;

use crate::{Error, Tx, args};

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub id: String,
    pub name: String,
    pub created: Timestamp,
}

/// Adds an account; one that exists is left as it is. Gives whether it is new.
pub async fn insert(tx: &mut Tx, row: &Row) -> Result<bool, Error> {
    let sql = "INSERT INTO iam_account (id, name, created) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING";
    Ok(tx.execute(sql, args![&row.id, &row.name, row.created]).await? == 1)
}

/// All accounts, in the order of their numbers.
pub async fn list(tx: &mut Tx) -> Result<Vec<Row>, Error> {
    let rows = tx.fetch_all("SELECT id, name, created FROM iam_account ORDER BY id", &[]).await?;
    rows.iter().map(|r| Ok(Row { id: r.text(0)?, name: r.text(1)?, created: r.time(2)? })).collect()
}
