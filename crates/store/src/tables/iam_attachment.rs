//! Which managed policies are attached to which users and roles.

use crate::{Error, Tx, args};

/// Attaches a policy (by id, or ARN for one that AWS manages); attaching it twice is the same as once.
pub async fn insert(tx: &mut Tx, account: &str, owner: &str, policy: &str) -> Result<(), Error> {
    let sql = "INSERT INTO iam_attachment (owner, policy, account) VALUES ($1, $2, $3) \
               ON CONFLICT (owner, policy) DO NOTHING";
    tx.execute(sql, args![owner, policy, account]).await.map(|_| ())
}

/// Detaches a policy; gives whether it was attached.
pub async fn delete(tx: &mut Tx, owner: &str, policy: &str) -> Result<bool, Error> {
    let sql = "DELETE FROM iam_attachment WHERE owner = $1 AND policy = $2";
    Ok(tx.execute(sql, args![owner, policy]).await? == 1)
}

/// The policies of a user or role.
pub async fn of_owner(tx: &mut Tx, owner: &str) -> Result<Vec<String>, Error> {
    let sql = "SELECT policy FROM iam_attachment WHERE owner = $1 ORDER BY policy";
    tx.fetch_all(sql, args![owner]).await?.iter().map(|r| r.text(0)).collect()
}

/// The ids of the users and roles that a policy is attached to.
pub async fn of_policy(tx: &mut Tx, account: &str, policy: &str) -> Result<Vec<String>, Error> {
    let sql = "SELECT owner FROM iam_attachment WHERE account = $1 AND policy = $2 ORDER BY owner";
    tx.fetch_all(sql, args![account, policy]).await?.iter().map(|r| r.text(0)).collect()
}
