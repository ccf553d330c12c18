//! Log streams.

use base::Timestamp;

use crate::sql::SqlRow;
use crate::{Error, Tx, args};

/// A log stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub id: i64,
    pub name: String,
    pub created: Timestamp,
    pub first_event_ms: Option<i64>,
    pub last_event_ms: Option<i64>,
    pub last_ingestion: Option<Timestamp>,
    pub stored_bytes: i64,
}

const COLUMNS: &str = "id, name, created, first_event_ms, last_event_ms, last_ingestion, stored_bytes";

fn row(r: &SqlRow) -> Result<Row, Error> {
    Ok(Row {
        id: r.int(0)?,
        name: r.text(1)?,
        created: r.time(2)?,
        first_event_ms: r.opt_int(3)?,
        last_event_ms: r.opt_int(4)?,
        last_ingestion: r.opt_time(5)?,
        stored_bytes: r.int(6)?,
    })
}

/// Adds a stream; gives its id, or `None` when the name is taken.
pub async fn insert(tx: &mut Tx, group: i64, name: &str, created: Timestamp) -> Result<Option<i64>, Error> {
    let sql = "INSERT INTO logs_stream (log_group, name, created, stored_bytes) VALUES ($1, $2, $3, 0) \
               ON CONFLICT (log_group, name) DO NOTHING RETURNING id";
    tx.fetch_optional(sql, args![group, name, created]).await?.map(|r| r.int(0)).transpose()
}

/// The stream of this name.
pub async fn get(tx: &mut Tx, group: i64, name: &str) -> Result<Option<Row>, Error> {
    let sql = sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM logs_stream WHERE log_group = $1 AND name = $2"));
    tx.fetch_optional(sql, args![group, name]).await?.as_ref().map(row).transpose()
}

/// The name of a stream.
pub async fn name(tx: &mut Tx, id: i64) -> Result<Option<String>, Error> {
    let found = tx.fetch_optional("SELECT name FROM logs_stream WHERE id = $1", args![id]).await?;
    found.map(|r| r.text(0)).transpose()
}

/// Streams whose name begins with `prefix`, by name; `after` is the last name of the page before.
pub async fn list_by_name(
    tx: &mut Tx,
    group: i64,
    prefix: &str,
    after: Option<&str>,
    descending: bool,
    limit: i64,
) -> Result<Vec<Row>, Error> {
    let (sign, order) = if descending { ("<", "DESC") } else { (">", "ASC") };
    let sql = sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM logs_stream WHERE log_group = $1 AND substr(name, 1, length($2)) = $2 \
         AND ($3 = '' OR name {sign} $3) ORDER BY name {order} LIMIT $4"
    ));
    tx.fetch_all(sql, args![group, prefix, after.unwrap_or_default(), limit]).await?.iter().map(row).collect()
}

/// Streams by the time of their last event (streams without one count as 0); `after` is the last of the page before.
pub async fn list_by_event(
    tx: &mut Tx,
    group: i64,
    after: Option<(i64, &str)>,
    descending: bool,
    limit: i64,
) -> Result<Vec<Row>, Error> {
    let (sign, order) = if descending { ("<", "DESC") } else { (">", "ASC") };
    let edge = if descending { (i64::MAX, "") } else { (-1, "") };
    let (ms, name) = after.unwrap_or(edge);
    let sql = sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM logs_stream WHERE log_group = $1 \
         AND (COALESCE(last_event_ms, 0), name) {sign} ($2, $3) \
         ORDER BY COALESCE(last_event_ms, 0) {order}, name {order} LIMIT $4"
    ));
    tx.fetch_all(sql, args![group, ms, name, limit]).await?.iter().map(row).collect()
}

/// What a batch of events adds to a stream.
#[derive(Clone, Copy, Debug)]
pub struct Growth {
    pub first_ms: i64,
    pub last_ms: i64,
    pub bytes: i64,
    pub at: Timestamp,
}

/// Notes events that were added.
pub async fn grow(tx: &mut Tx, id: i64, by: Growth) -> Result<(), Error> {
    let sql = "UPDATE logs_stream SET \
        first_event_ms = CASE WHEN first_event_ms IS NULL OR first_event_ms > $1 THEN $1 ELSE first_event_ms END, \
        last_event_ms = CASE WHEN last_event_ms IS NULL OR last_event_ms < $2 THEN $2 ELSE last_event_ms END, \
        stored_bytes = stored_bytes + $3, last_ingestion = $4 WHERE id = $5";
    tx.execute(sql, args![by.first_ms, by.last_ms, by.bytes, by.at, id]).await.map(|_| ())
}

/// Notes events that were removed: the bytes they had.
pub async fn shrink(tx: &mut Tx, id: i64, bytes: i64) -> Result<(), Error> {
    let sql = "UPDATE logs_stream SET \
        stored_bytes = CASE WHEN stored_bytes > $1 THEN stored_bytes - $1 ELSE 0 END, \
        first_event_ms = (SELECT MIN(e.time_ms) FROM logs_event e WHERE e.stream = $2) WHERE id = $2";
    tx.execute(sql, args![bytes, id]).await.map(|_| ())
}

/// Removes a stream; its events are left to `logs_event::sweep_garbage`.
pub async fn delete(tx: &mut Tx, id: i64) -> Result<(), Error> {
    tx.execute("INSERT INTO logs_garbage (stream) VALUES ($1)", args![id]).await?;
    tx.execute("DELETE FROM logs_stream WHERE id = $1", args![id]).await.map(|_| ())
}
