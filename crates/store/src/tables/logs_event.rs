//! Log events, in the order of their time and, at the same time, of their arrival.

use base::Timestamp;

use crate::sql::{Arg, SqlRow};
use crate::{Error, Tx, args};

/// An event.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub at: Position,
    pub stream: i64,
    pub ingested: Timestamp,
    pub message: String,
}

/// An event's place among others; unique in the installation. `seq` counts from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub time_ms: i64,
    pub seq: i64,
}

/// An event to add.
#[derive(Clone, Debug)]
pub struct NewRow {
    pub time_ms: i64,
    pub message: String,
}

/// Where to look.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    Stream(i64),
    Group(i64),
}

/// Which part of a place to look at: strictly between two positions.
#[derive(Clone, Copy, Debug)]
pub struct Range {
    pub after: Position,
    pub before: Position,
}

impl Range {
    /// Everything.
    pub const ALL: Range =
        Range { after: Position { time_ms: -1, seq: 0 }, before: Position { time_ms: i64::MAX, seq: i64::MAX } };

    /// Times of `start_ms` and later, but before `end_ms`.
    pub fn of_times(start_ms: i64, end_ms: i64) -> Self {
        // Sequence numbers begin with 1, so 0 stands before every event of the same millisecond.
        Range { after: Position { time_ms: start_ms, seq: 0 }, before: Position { time_ms: end_ms, seq: 0 } }
    }
}

/// Which end of a range to begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Oldest,
    Newest,
}

/// Adds events to a stream, in this order.
pub async fn insert(tx: &mut Tx, group: i64, stream: i64, ingested: Timestamp, events: &[NewRow]) -> Result<(), Error> {
    // A few sizes of statement, so that prepared ones are found again.
    let mut rest = events;
    while !rest.is_empty() {
        let size = [128, 16, 1].into_iter().find(|n| *n <= rest.len()).unwrap_or(1);
        let (now, later) = rest.split_at(size);
        let mut sql = String::from("INSERT INTO logs_event (log_group, stream, ingested, time_ms, message) VALUES ");
        let mut args: Vec<Arg> = vec![group.into(), stream.into(), ingested.into()];
        for (i, event) in now.iter().enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            sql.push_str(&format!("{comma}($1, $2, $3, ${}, ${})", 4 + 2 * i, 5 + 2 * i));
            args.push(event.time_ms.into());
            args.push(event.message.as_str().into());
        }
        tx.execute(sqlx::AssertSqlSafe(sql), &args).await?;
        rest = later;
    }
    Ok(())
}

fn row(r: &SqlRow) -> Result<Row, Error> {
    Ok(Row {
        at: Position { time_ms: r.int(0)?, seq: r.int(1)? },
        stream: r.int(2)?,
        ingested: r.time(3)?,
        message: r.text(4)?,
    })
}

/// How much to read at once.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    pub rows: usize,
    /// Of messages. The event that reaches it is the last.
    pub bytes: usize,
}

/// Some events, and whether there may be more behind them.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    pub rows: Vec<Row>,
    pub more: bool,
}

/// Events of a range, beginning at one end of it (so newest first for [`End::Newest`]).
pub async fn list(tx: &mut Tx, place: Place, range: Range, from: End, limit: Limit) -> Result<Listed, Error> {
    let (column, id) = match place {
        Place::Stream(id) => ("stream", id),
        Place::Group(id) => ("log_group", id),
    };
    let order = match from {
        End::Oldest => "ASC",
        End::Newest => "DESC",
    };
    let sql = sqlx::AssertSqlSafe(format!(
        "SELECT time_ms, seq, stream, ingested, message FROM logs_event WHERE {column} = $1 \
         AND (time_ms, seq) > ($2, $3) AND (time_ms, seq) < ($4, $5) ORDER BY time_ms {order}, seq {order} LIMIT $6"
    ));
    let Range { after, before } = range;
    let most = i64::try_from(limit.rows).unwrap_or(i64::MAX);
    let args = args![id, after.time_ms, after.seq, before.time_ms, before.seq, most];
    let found = tx.fetch_within(sql, args, 4, limit.bytes).await?;
    let rows: Vec<Row> = found.iter().map(row).collect::<Result<_, _>>()?;
    let bytes: usize = rows.iter().map(|r| r.message.len()).sum();
    Ok(Listed { more: rows.len() >= limit.rows || bytes >= limit.bytes, rows })
}

/// Removes up to `limit` events of a group that are older than `before_ms`; gives how many went, and per stream
/// the bytes of their messages.
pub async fn delete_before(
    tx: &mut Tx,
    group: i64,
    before_ms: i64,
    limit: i64,
) -> Result<(u64, Vec<(i64, i64)>), Error> {
    let edge = "SELECT time_ms, seq FROM logs_event WHERE log_group = $1 AND time_ms < $2 \
                ORDER BY time_ms, seq LIMIT 1 OFFSET $3";
    let before = match tx.fetch_optional(edge, args![group, before_ms, limit]).await? {
        Some(r) => Position { time_ms: r.int(0)?, seq: r.int(1)? },
        None => Position { time_ms: before_ms, seq: 0 },
    };
    let sums = "SELECT stream, CAST(SUM(octet_length(message)) AS BIGINT) FROM logs_event WHERE log_group = $1 \
                AND (time_ms, seq) < ($2, $3) GROUP BY stream";
    let rows = tx.fetch_all(sums, args![group, before.time_ms, before.seq]).await?;
    let sums: Vec<(i64, i64)> = rows.iter().map(|r| Ok((r.int(0)?, r.int(1)?))).collect::<Result<_, Error>>()?;
    let sql = "DELETE FROM logs_event WHERE log_group = $1 AND (time_ms, seq) < ($2, $3)";
    let gone = tx.execute(sql, args![group, before.time_ms, before.seq]).await?;
    Ok((gone, sums))
}

/// Removes up to `limit` events of streams that are gone; gives how many went.
pub async fn sweep_garbage(tx: &mut Tx, limit: i64) -> Result<u64, Error> {
    let mut gone = 0;
    let streams = tx.fetch_all("SELECT stream FROM logs_garbage ORDER BY stream LIMIT 1000", &[]).await?;
    for r in &streams {
        let left = limit - i64::try_from(gone).unwrap_or(i64::MAX);
        if left <= 0 {
            break;
        }
        let stream = r.int(0)?;
        let sql = "DELETE FROM logs_event WHERE seq IN \
                   (SELECT seq FROM logs_event WHERE stream = $1 ORDER BY time_ms, seq LIMIT $2)";
        let now = tx.execute(sql, args![stream, left]).await?;
        gone += now;
        if i64::try_from(now).unwrap_or(i64::MAX) < left {
            tx.execute("DELETE FROM logs_garbage WHERE stream = $1", args![stream]).await?;
        }
    }
    Ok(gone)
}
