//! Log events, in the order of their time and, at the same time, of their arrival.
//!
//! A row holds one event, or many of the same time that arrived together, each a line with its line break: a build may
//! print millions of lines, and a row for each would cost more than all else on their way.

use base::Timestamp;

use crate::sql::{Arg, SqlRow, parts};
use crate::{Error, Tx, args};

/// An event.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub at: Position,
    pub stream: i64,
    pub ingested: Timestamp,
    pub message: String,
}

/// An event's place among others; unique in the installation. `seq` counts rows from 1, and in its last
/// [`LINE_BITS`] bits the events of a row from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub time_ms: i64,
    pub seq: i64,
}

/// So many bits of a place's `seq` count the events of its row.
const LINE_BITS: u32 = 20;
/// A row holds at most so many events.
pub const MAX_LINES: usize = 1 << LINE_BITS;

impl Position {
    fn of(time_ms: i64, row: i64, line: usize) -> Self {
        let line = i64::try_from(line.min(MAX_LINES - 1)).unwrap_or(0);
        Position { time_ms, seq: (row << LINE_BITS) | line }
    }

    fn row(self) -> i64 {
        self.seq >> LINE_BITS
    }

    fn line(self) -> i64 {
        self.seq & ((1 << LINE_BITS) - 1)
    }
}

/// An event to add, or several of one time.
#[derive(Clone, Debug)]
pub struct NewRow {
    pub time_ms: i64,
    pub message: String,
    /// More than one: that many lines of the message are an event each, [`MAX_LINES`] at most.
    pub lines: i64,
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
        // Rows are counted from 1, so 0 stands before every event of the same millisecond.
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
    for part in parts(events) {
        let rows: Vec<String> =
            (0..part.len()).map(|n| format!("($1, $2, $3, ${}, ${}, ${})", 4 + 3 * n, 5 + 3 * n, 6 + 3 * n)).collect();
        let sql = format!(
            "INSERT INTO logs_event (log_group, stream, ingested, time_ms, lines, message) VALUES {}",
            rows.join(", ")
        );
        let mut args: Vec<Arg> = vec![group.into(), stream.into(), ingested.into()];
        for event in part {
            args.push(event.time_ms.into());
            args.push(event.lines.into());
            args.push(event.message.as_str().into());
        }
        tx.execute(sqlx::AssertSqlSafe(sql), &args).await?;
    }
    Ok(())
}

/// The events of a row, oldest first.
fn events(r: &SqlRow) -> Result<Vec<Row>, Error> {
    let (time_ms, seq, stream, ingested, message) = (r.int(0)?, r.int(1)?, r.int(2)?, r.time(3)?, r.text(4)?);
    let one = |line, message| Row { at: Position::of(time_ms, seq, line), stream, ingested, message };
    if r.int(5)? <= 1 {
        return Ok(vec![one(0, message)]);
    }
    Ok(message.split_inclusive('\n').enumerate().map(|(line, text)| one(line, text.to_owned())).collect())
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
    // The row of `after` is left out when nothing of it is left: else one large event could be read for ever.
    let sql = sqlx::AssertSqlSafe(format!(
        "SELECT time_ms, seq, stream, ingested, message, lines FROM logs_event WHERE {column} = $1 \
         AND (time_ms, seq) >= ($2, $3) AND NOT (time_ms = $2 AND seq = $3 AND lines <= $4) \
         AND (time_ms, seq) <= ($5, $6) ORDER BY time_ms {order}, seq {order} LIMIT $7"
    ));
    let Range { after, before } = range;
    // What is before a row's first event is in the rows before it.
    let last_row = if before.line() == 0 { before.row() - 1 } else { before.row() };
    let most = i64::try_from(limit.rows).unwrap_or(i64::MAX);
    let args = args![id, after.time_ms, after.row(), after.line() + 1, before.time_ms, last_row, most];
    let found = tx.fetch_within(sql, args, 4, limit.bytes).await?;
    let mut rows = Vec::new();
    let mut bytes = 0;
    for row in &found {
        let mut of_row = events(row)?;
        bytes += of_row.iter().map(|r| r.message.len()).sum::<usize>();
        of_row.retain(|r| range.after < r.at && r.at < range.before);
        match from {
            End::Oldest => rows.append(&mut of_row),
            End::Newest => rows.extend(of_row.into_iter().rev()),
        }
        if rows.len() > limit.rows {
            break;
        }
    }
    let more = rows.len() > limit.rows || found.len() >= limit.rows || bytes >= limit.bytes;
    rows.truncate(limit.rows);
    Ok(Listed { rows, more })
}

/// Removes up to `limit` rows of a group whose events are older than `before_ms`; gives how many went, and per stream
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
        Some(r) => (r.int(0)?, r.int(1)?),
        None => (before_ms, 0),
    };
    let sums = "SELECT stream, CAST(SUM(octet_length(message)) AS BIGINT) FROM logs_event WHERE log_group = $1 \
                AND (time_ms, seq) < ($2, $3) GROUP BY stream";
    let rows = tx.fetch_all(sums, args![group, before.0, before.1]).await?;
    let sums: Vec<(i64, i64)> = rows.iter().map(|r| Ok((r.int(0)?, r.int(1)?))).collect::<Result<_, Error>>()?;
    let sql = "DELETE FROM logs_event WHERE log_group = $1 AND (time_ms, seq) < ($2, $3)";
    let gone = tx.execute(sql, args![group, before.0, before.1]).await?;
    Ok((gone, sums))
}

/// Removes up to `limit` rows of streams that are gone; gives how many went.
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
