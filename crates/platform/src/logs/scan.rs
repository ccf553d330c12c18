//! Reading events in pages that are limited in number and in bytes.

use base::ApiError;
use store::Tx;
use store::tables::logs_event::{self, End, Place, Position, Range, Row};

/// An answer holds at most this many bytes of events, counted as AWS counts them.
pub(super) const PAGE_BYTES: usize = 1_048_576;
/// What AWS adds to each message when it counts.
pub(super) const EVENT_OVERHEAD: usize = 26;
/// Rows fetched at once.
const CHUNK: usize = 500;

/// Up to `limit` events from one end of a range, never more than a page's bytes (but at least one event).
pub(super) async fn page(
    tx: &mut Tx,
    stream: i64,
    mut range: Range,
    end: End,
    limit: usize,
) -> Result<Vec<Row>, ApiError> {
    let mut rows: Vec<Row> = Vec::new();
    let mut bytes = 0;
    while rows.len() < limit {
        let ask = CHUNK.min(limit - rows.len());
        let chunk = fetch(tx, Place::Stream(stream), range, end, ask).await?;
        let got = chunk.len();
        for row in chunk {
            bytes += row.message.len() + EVENT_OVERHEAD;
            if bytes > PAGE_BYTES && !rows.is_empty() {
                return Ok(rows);
            }
            match end {
                End::Oldest => range.after = row.at,
                End::Newest => range.before = row.at,
            }
            rows.push(row);
        }
        if got < ask {
            break;
        }
    }
    Ok(rows)
}

/// The next events of several places together, in their order; fewer than asked for only at the end.
pub(super) async fn merged(
    tx: &mut Tx,
    places: &[Place],
    range: Range,
    end: End,
    limit: usize,
) -> Result<Vec<Row>, ApiError> {
    let mut rows = Vec::new();
    for place in places {
        rows.extend(fetch(tx, *place, range, end, limit).await?);
    }
    match end {
        End::Oldest => rows.sort_by_key(|r| r.at),
        End::Newest => rows.sort_by_key(|r| std::cmp::Reverse(r.at)),
    }
    rows.truncate(limit);
    Ok(rows)
}

async fn fetch(tx: &mut Tx, place: Place, range: Range, end: End, limit: usize) -> Result<Vec<Row>, ApiError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    Ok(logs_event::list(tx, place, range, end, limit).await?)
}

/// The part of a range that lies behind a place.
pub(super) fn beyond(range: Range, at: Position, end: End) -> Range {
    match end {
        End::Oldest => Range { after: range.after.max(at), ..range },
        End::Newest => Range { before: range.before.min(at), ..range },
    }
}
