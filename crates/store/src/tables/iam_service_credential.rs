//! Service-specific credentials: user names and passwords for git over HTTPS.

use base::Timestamp;

use crate::sql::SqlRow;
use crate::{Error, Tx, args};

/// A credential.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub id: String,
    pub account: String,
    /// A user's id.
    pub owner: String,
    pub service: String,
    pub service_user: String,
    /// SHA-256 of the password, which is random and long, in hexadecimal.
    pub password_hash: String,
    /// `Active` or `Inactive`.
    pub status: String,
    pub created: Timestamp,
    pub expires: Option<Timestamp>,
}

const COLUMNS: &str = "id, account, owner, service, service_user, password_hash, status, created, expires";

fn row(r: &SqlRow) -> Result<Row, Error> {
    Ok(Row {
        id: r.text(0)?,
        account: r.text(1)?,
        owner: r.text(2)?,
        service: r.text(3)?,
        service_user: r.text(4)?,
        password_hash: r.text(5)?,
        status: r.text(6)?,
        created: r.time(7)?,
        expires: r.opt_time(8)?,
    })
}

/// Adds a credential; `Error::Duplicate` when the service's user name is taken.
pub async fn insert(tx: &mut Tx, row: &Row) -> Result<(), Error> {
    let sql = "INSERT INTO iam_service_credential (id, account, owner, service, service_user, password_hash, status, \
               created, expires) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let Row { id, account, owner, service, service_user, password_hash, status, created, expires } = row;
    tx.execute(sql, args![id, account, owner, service, service_user, password_hash, status, *created, *expires])
        .await
        .map(|_| ())
}

/// The credential of this id.
pub async fn get(tx: &mut Tx, id: &str) -> Result<Option<Row>, Error> {
    let sql = sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM iam_service_credential WHERE id = $1"));
    tx.fetch_optional(sql, args![id]).await?.as_ref().map(row).transpose()
}

/// The credential with which `service_user` signs in to `service`.
pub async fn get_by_service_user(tx: &mut Tx, service: &str, service_user: &str) -> Result<Option<Row>, Error> {
    let sql = sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM iam_service_credential WHERE service = $1 AND service_user = $2"
    ));
    tx.fetch_optional(sql, args![service, service_user]).await?.as_ref().map(row).transpose()
}

/// The credentials of a user, or of all users of the account.
pub async fn list(tx: &mut Tx, account: &str, owner: Option<&str>) -> Result<Vec<Row>, Error> {
    let sql = sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM iam_service_credential WHERE account = $1 AND ($2 = '' OR owner = $2) \
         ORDER BY created, id"
    ));
    tx.fetch_all(sql, args![account, owner.unwrap_or_default()]).await?.iter().map(row).collect()
}

/// Writes status and password.
pub async fn update(tx: &mut Tx, row: &Row) -> Result<(), Error> {
    let sql = "UPDATE iam_service_credential SET status = $1, password_hash = $2 WHERE id = $3";
    tx.execute(sql, args![&row.status, &row.password_hash, &row.id]).await.map(|_| ())
}

/// Removes a credential.
pub async fn delete(tx: &mut Tx, id: &str) -> Result<(), Error> {
    tx.execute("DELETE FROM iam_service_credential WHERE id = $1", args![id]).await.map(|_| ())
}
