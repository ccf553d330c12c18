//! Temporary credentials.

use base::{Secret, Timestamp};

use crate::{Error, Tx, args};

/// One set of temporary credentials.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The access key id, `ASIA...`.
    pub id: String,
    pub account: String,
    /// The id of a role or user, or the account's number for its root.
    pub owner: String,
    /// The role's name; empty for a user or root.
    pub role: String,
    /// The role session's name; empty for a user or root.
    pub session: String,
    pub secret: Secret<String>,
    /// SHA-256 of the session token, in hexadecimal.
    pub token_hash: String,
    pub created: Timestamp,
    pub expires: Timestamp,
    /// Whether a build runs under it, or it was made by such a session.
    pub of_build: bool,
    /// What it may do, as a policy, whatever its role may; empty when its role decides.
    pub policy: String,
}

/// Adds a session.
pub async fn insert(tx: &mut Tx, row: &Row) -> Result<(), Error> {
    let sql = "INSERT INTO sts_session \
               (id, account, owner, role, session, secret, token_hash, created, expires, of_build, policy) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    let Row { id, account, owner, role, session, secret, token_hash, created, expires, of_build, policy } = row;
    let of_build = i64::from(*of_build);
    let secret = secret.expose();
    let args = args![id, account, owner, role, session, secret, token_hash, *created, *expires, of_build, policy];
    tx.execute(sql, args).await.map(|_| ())
}

/// The session of this access key.
pub async fn get(tx: &mut Tx, id: &str) -> Result<Option<Row>, Error> {
    let sql = "SELECT id, account, owner, role, session, secret, token_hash, created, expires, of_build, policy \
               FROM sts_session WHERE id = $1";
    let Some(r) = tx.fetch_optional(sql, args![id]).await? else { return Ok(None) };
    Ok(Some(Row {
        id: r.text(0)?,
        account: r.text(1)?,
        owner: r.text(2)?,
        role: r.text(3)?,
        session: r.text(4)?,
        secret: Secret::new(r.text(5)?),
        token_hash: r.text(6)?,
        created: r.time(7)?,
        expires: r.time(8)?,
        of_build: r.int(9)? != 0,
        policy: r.text(10)?,
    }))
}

/// Ends all sessions of a role or user that is removed.
pub async fn delete_of_owner(tx: &mut Tx, owner: &str) -> Result<u64, Error> {
    tx.execute("DELETE FROM sts_session WHERE owner = $1", args![owner]).await
}

/// Ends all sessions of this name; gives how many there were.
pub async fn delete_of_session(tx: &mut Tx, account: &str, session: &str) -> Result<u64, Error> {
    tx.execute("DELETE FROM sts_session WHERE account = $1 AND session = $2", args![account, session]).await
}

/// Removes sessions that ended before `before`.
pub async fn delete_expired(tx: &mut Tx, before: Timestamp) -> Result<u64, Error> {
    tx.execute("DELETE FROM sts_session WHERE expires < $1", args![before]).await
}
