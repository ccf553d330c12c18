//! The append-only event table: what machines and operations tell the event bus.

use base::{Event, Scope, Timestamp};
use serde_json::{Value, json};

use crate::args;
use crate::error::Error;
use crate::machine;
use crate::sql::{Arg, SqlRow};
use crate::tx::Tx;

/// A stored event.
#[derive(Clone, Debug)]
pub struct EventRow {
    pub seq: i64,
    pub id: String,
    pub scope: Scope,
    pub time: Timestamp,
    pub event: Event,
}

impl EventRow {
    /// The envelope that EventBridge delivers ("AWS service event metadata" in its user guide).
    pub fn envelope(&self) -> Value {
        json!({
            "version": "0",
            "id": self.id,
            "detail-type": self.event.detail_type,
            "source": self.event.source,
            "account": self.scope.account,
            "time": self.time.format("%Y-%m-%dT%H:%M:%SZ"),
            "region": self.scope.region,
            "resources": self.event.resources,
            "detail": self.event.detail,
        })
    }
}

/// Appends an event under an id that follows from what happened, so that doing it again changes nothing.
pub async fn append(tx: &mut Tx, scope: &Scope, event: &Event, id: &str) -> Result<(), Error> {
    let now = tx.now();
    let body = serde_json::to_string(event).map_err(|source| Error::BadInput { kind: "event".to_owned(), source })?;
    tx.wake_driver = true;
    tx.execute(
        "INSERT INTO event (id, account, region, source, detail_type, time, body) VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (id) DO NOTHING",
        args![id, scope.account.as_str(), scope.region.as_str(), &event.source, &event.detail_type, now, body],
    )
    .await?;
    Ok(())
}

/// Events that no subscriber has seen yet, oldest first.
pub async fn pending(tx: &mut Tx, limit: u32) -> Result<Vec<EventRow>, Error> {
    let sql = "SELECT seq, id, account, region, time, body FROM event WHERE published IS NULL ORDER BY seq LIMIT $1";
    tx.fetch_all(sql, args![limit]).await?.iter().map(read).collect()
}

/// Marks an event as delivered; in the transaction that holds what its subscribers did. False when it was already.
pub async fn mark_published(tx: &mut Tx, seq: i64) -> Result<bool, Error> {
    let now = tx.now();
    let sql = "UPDATE event SET published = $2 WHERE seq = $1 AND published IS NULL";
    Ok(tx.execute(sql, args![seq, now]).await? == 1)
}

/// Marks several events; the numbers of those that were not marked before.
pub async fn mark_all_published(tx: &mut Tx, seqs: &[i64]) -> Result<Vec<i64>, Error> {
    let now = tx.now();
    let (mut marked, mut rest) = (Vec::new(), seqs);
    while !rest.is_empty() {
        // A few sizes of statement, so that prepared ones are found again.
        let size = [32, 8, 1].into_iter().find(|n| *n <= rest.len()).unwrap_or(1);
        let (these, later) = rest.split_at(size);
        let places: Vec<String> = (2..size + 2).map(|n| format!("${n}")).collect();
        let sql = format!(
            "UPDATE event SET published = $1 WHERE seq IN ({}) AND published IS NULL RETURNING seq",
            places.join(", ")
        );
        let args: Vec<Arg> = std::iter::once(now.into()).chain(these.iter().map(|seq| Arg::from(*seq))).collect();
        for row in tx.fetch_all(sqlx::AssertSqlSafe(sql), &args).await? {
            marked.push(row.int(0)?);
        }
        rest = later;
    }
    Ok(marked)
}

/// Events after `seq`, oldest first; for followers and tests.
pub async fn after(tx: &mut Tx, seq: i64, limit: u32) -> Result<Vec<EventRow>, Error> {
    let sql = "SELECT seq, id, account, region, time, body FROM event WHERE seq > $1 ORDER BY seq LIMIT $2";
    tx.fetch_all(sql, args![seq, limit]).await?.iter().map(read).collect()
}

fn read(row: &SqlRow) -> Result<EventRow, Error> {
    Ok(EventRow {
        seq: row.int(0)?,
        id: row.text(1)?,
        scope: machine::scope(row.text(2)?, row.text(3)?)?,
        time: row.time(4)?,
        event: row.json(5)?,
    })
}
