//! Writing events from inside the product.

use base::{Scope, Tags, Timestamp};
use store::Tx;
use store::tables::{logs_event, logs_group, logs_stream};

/// What is to be appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogEvents {
    /// One event.
    One { time: Timestamp, message: String },
    /// Each line is an event, with its line break; all have the same time. Millions of them are cheap.
    Lines { time: Timestamp, text: String },
}

/// Lines are kept together up to this length.
const MAX_TEXT: usize = 256 << 10;

/// Appends events to a stream, in this order, and makes group and stream when they are missing: all in `tx`.
/// Names and sizes are the caller's care. Empty messages are left out, as the API knows none.
pub async fn append(
    tx: &mut Tx,
    scope: &Scope,
    group: &str,
    stream: &str,
    events: &[LogEvents],
) -> Result<(), store::Error> {
    let now = tx.now();
    let group = match logs_group::find(tx, scope, group).await? {
        Some((id, _)) => id,
        None => made_group(tx, scope, group, now).await?,
    };
    let stream = match logs_stream::get(tx, group, stream).await? {
        Some(row) => row.id,
        None => match logs_stream::insert(tx, group, stream, now).await? {
            Some(id) => id,
            None => logs_stream::get(tx, group, stream).await?.map_or(0, |r| r.id),
        },
    };
    let mut rows = Vec::new();
    for event in events {
        match event {
            LogEvents::One { message, .. } if message.is_empty() => {}
            LogEvents::One { time, message } => {
                rows.push(logs_event::NewRow { time_ms: time.millis(), message: message.clone(), lines: 1 });
            }
            LogEvents::Lines { time, text } => rows.extend(texts(text).map(|(message, lines)| logs_event::NewRow {
                time_ms: time.millis(),
                message: message.to_owned(),
                lines,
            })),
        }
    }
    insert(tx, group, stream, now, &rows).await
}

/// Pieces of whole lines, and how many there are in each.
fn texts(text: &str) -> impl Iterator<Item = (&str, i64)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut len = 0;
        let mut lines = 0;
        for line in rest.split_inclusive('\n') {
            if len > 0 && (len + line.len() > MAX_TEXT || lines == logs_event::MAX_LINES) {
                break;
            }
            len += line.len();
            lines += 1;
        }
        let (piece, later) = rest.split_at(len);
        rest = later;
        Some((piece, i64::try_from(lines).unwrap_or(1)))
    })
}

async fn made_group(tx: &mut Tx, scope: &Scope, name: &str, now: Timestamp) -> Result<i64, store::Error> {
    let class = "STANDARD".to_owned();
    let new = logs_group::NewRow { name: name.to_owned(), class, kms_key: None, tags: Tags::new(), created: now };
    match logs_group::insert(tx, scope, &new).await? {
        Some(id) => Ok(id),
        None => Ok(logs_group::find(tx, scope, name).await?.map_or(0, |(id, _)| id)),
    }
}

/// Adds rows and notes them at their stream.
pub(super) async fn insert(
    tx: &mut Tx,
    group: i64,
    stream: i64,
    at: Timestamp,
    rows: &[logs_event::NewRow],
) -> Result<(), store::Error> {
    let times = || rows.iter().map(|r| r.time_ms);
    let (Some(first_ms), Some(last_ms)) = (times().min(), times().max()) else { return Ok(()) };
    let bytes = rows.iter().map(|r| r.message.len()).sum::<usize>();
    logs_event::insert(tx, group, stream, at, rows).await?;
    let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
    logs_stream::grow(tx, stream, logs_stream::Growth { first_ms, last_ms, bytes, at }).await
}
