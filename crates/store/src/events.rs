//! The append-only event table: what machines and operations tell the event bus.

use std::time::Duration;

use base::{Event, Scope, Timestamp};
use serde_json::{Value, json};

use crate::args;
use crate::error::Error;
use crate::machine;
use crate::setback::pause;
use crate::sql::{Arg, SqlRow, parts, places};
use crate::tx::Tx;

/// After this many failures (half a minute) an event lets those behind it in its lane pass.
const HOLDS_ITS_LANE: u32 = 6;

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
    append_all(tx, scope, &[(id.to_owned(), event)]).await
}

/// Who has put a custom event, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Put {
    /// An ARN.
    pub by: String,
    /// When it was taken in.
    pub received: Option<Timestamp>,
}

/// Appends a custom event, which says itself when it happened; `by` is who has put it. It is in no lane: whoever puts events
/// must not hold up those of services by naming their resources.
pub async fn append_custom(
    tx: &mut Tx,
    scope: &Scope,
    event: &Event,
    (id, time): (&str, Timestamp),
    by: &str,
) -> Result<(), Error> {
    append_timed(tx, scope, &[(id.to_owned(), event)], time).await?;
    let now = tx.now();
    let sql = "UPDATE event SET put_by = $2, received = $3, lane = '' WHERE id = $1";
    tx.execute(sql, args![id, by, now]).await.map(|_| ())
}

/// What is known of a custom event beside itself; none for an event of our own services.
pub async fn put(tx: &mut Tx, id: &str) -> Result<Option<Put>, Error> {
    let row = tx.fetch_optional("SELECT put_by, received FROM event WHERE id = $1", args![id]).await?;
    let Some(row) = row else { return Ok(None) };
    let received = row.opt_time(1)?;
    Ok(row.opt_text(0)?.map(|by| Put { by, received }))
}

/// Appends events with their ids, in this order.
pub(crate) async fn append_all(tx: &mut Tx, scope: &Scope, events: &[(String, &Event)]) -> Result<(), Error> {
    let now = tx.now();
    append_timed(tx, scope, events, now).await
}

async fn append_timed(tx: &mut Tx, scope: &Scope, events: &[(String, &Event)], time: Timestamp) -> Result<(), Error> {
    const COLUMNS: usize = 8;
    for part in parts(events) {
        let rows: Vec<String> = (0..part.len()).map(|n| places(1 + n * COLUMNS, COLUMNS)).collect();
        let sql = format!(
            "INSERT INTO event (id, account, region, source, detail_type, time, body, lane) VALUES {}
             ON CONFLICT (id) DO NOTHING",
            rows.join(", ")
        );
        let mut args = Vec::with_capacity(part.len() * COLUMNS);
        for (id, event) in part {
            let body = serde_json::to_string(event);
            let body = body.map_err(|source| Error::BadInput { kind: "event".to_owned(), source })?;
            let (account, region) = (scope.account.as_str(), scope.region.as_str());
            let lane = event.resources.first().map_or("", String::as_str);
            args.extend_from_slice(args![id, account, region, &event.source, &event.detail_type, time, body, lane]);
        }
        tx.wake_driver = true;
        tx.execute(sqlx::AssertSqlSafe(sql), &args).await?;
    }
    Ok(())
}

/// Events that no subscriber has seen yet, oldest first.
pub async fn pending(tx: &mut Tx, limit: u32) -> Result<Vec<EventRow>, Error> {
    let sql = "SELECT seq, id, account, region, time, body FROM event WHERE published IS NULL ORDER BY seq LIMIT $1";
    tx.fetch_all(sql, args![limit]).await?.iter().map(read).collect()
}

/// An event that is to be delivered now.
#[derive(Debug)]
pub struct Pending {
    pub seq: i64,
    /// The first resource that it is about. Events of one lane are delivered in order; without a lane there is none.
    pub lane: String,
    /// Whose lane it is: account and region.
    pub account: (String, String),
    /// What it says, or why that cannot be read.
    pub event: Result<EventRow, Error>,
}

/// Events that may be delivered now, oldest first: not those that are set back, nor those behind one in its lane.
pub async fn deliverable(tx: &mut Tx, limit: u32) -> Result<Vec<Pending>, Error> {
    let now = tx.now();
    let sql = "SELECT seq, id, account, region, time, body, lane FROM event WHERE published IS NULL AND due <= $1
               AND NOT EXISTS (SELECT 1 FROM event AS held WHERE held.published IS NULL AND held.due > 0
                               AND held.lane = event.lane AND held.lane <> ''
                               AND held.account = event.account AND held.region = event.region AND held.seq < event.seq
                               AND held.due > $1 AND held.attempts <= $2)
               ORDER BY seq LIMIT $3";
    let rows = tx.fetch_all(sql, args![now, HOLDS_ITS_LANE, limit]).await?;
    rows.iter()
        .map(|row| {
            Ok(Pending {
                seq: row.int(0)?,
                lane: row.text(6)?,
                account: (row.text(2)?, row.text(3)?),
                event: read(row),
            })
        })
        .collect()
}

/// Sets an event back that could not be delivered; how long it waits.
pub async fn set_back(tx: &mut Tx, seq: i64) -> Result<Duration, Error> {
    let row = tx.fetch_optional("SELECT attempts FROM event WHERE seq = $1", args![seq]).await?;
    let attempts = row.map_or(Ok(0), |row| row.int(0))? + 1;
    let pause = pause(attempts);
    let due = tx.now() + pause;
    let sql = "UPDATE event SET due = $2, attempts = $3 WHERE seq = $1 AND published IS NULL";
    tx.execute(sql, args![seq, due, attempts]).await?;
    Ok(pause)
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
    let mut marked = Vec::new();
    for part in parts(seqs) {
        let sql = format!(
            "UPDATE event SET published = $1 WHERE seq IN {} AND published IS NULL RETURNING seq",
            places(2, part.len())
        );
        let args: Vec<Arg> = std::iter::once(now.into()).chain(part.iter().map(|seq| Arg::from(*seq))).collect();
        for row in tx.fetch_all(sqlx::AssertSqlSafe(sql), &args).await? {
            marked.push(row.int(0)?);
        }
    }
    Ok(marked)
}

/// Events after `seq`, oldest first; for followers and tests.
pub async fn after(tx: &mut Tx, seq: i64, limit: u32) -> Result<Vec<EventRow>, Error> {
    let sql = "SELECT seq, id, account, region, time, body FROM event WHERE seq > $1 ORDER BY seq LIMIT $2";
    tx.fetch_all(sql, args![seq, limit]).await?.iter().map(read).collect()
}

/// The event of this number, if it is still there.
pub async fn get(tx: &mut Tx, seq: i64) -> Result<Option<EventRow>, Error> {
    let sql = "SELECT seq, id, account, region, time, body FROM event WHERE seq = $1";
    tx.fetch_optional(sql, args![seq]).await?.as_ref().map(read).transpose()
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
