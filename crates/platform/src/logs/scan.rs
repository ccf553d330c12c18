//! Reading events in pages that are limited in number and in bytes.

use base::ApiError;
use store::Tx;
use store::tables::logs_event::{self, End, Limit, Listed, Place, Position, Range, Row};

/// An answer holds at most this many bytes of events, counted as AWS counts them.
pub(super) const PAGE_BYTES: usize = 1_048_576;
/// What AWS adds to each message when it counts.
pub(super) const EVENT_OVERHEAD: usize = 26;
/// Events fetched at once.
const CHUNK: usize = 2_000;

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
        let ask = Limit { rows: CHUNK.min(limit - rows.len()), bytes: PAGE_BYTES };
        let Listed { rows: chunk, more } = logs_event::list(tx, Place::Stream(stream), range, end, ask).await?;
        for row in chunk {
            bytes += row.message.len() + EVENT_OVERHEAD;
            if bytes > PAGE_BYTES && !rows.is_empty() {
                return Ok(rows);
            }
            range = beyond(range, row.at, end);
            rows.push(row);
        }
        if !more {
            break;
        }
    }
    Ok(rows)
}

/// The next events of several places together, in their order, within `limit` for all of them.
pub(super) async fn merged(
    tx: &mut Tx,
    places: &[Place],
    range: Range,
    end: End,
    limit: Limit,
) -> Result<Listed, ApiError> {
    let each = Limit { bytes: limit.bytes / places.len().max(1), ..limit };
    let mut rows = Vec::new();
    // How far every place has been read to.
    let mut edge: Option<Position> = None;
    for place in places {
        let listed = logs_event::list(tx, *place, range, end, each).await?;
        if let Some(last) = listed.rows.last().filter(|_| listed.more) {
            edge = Some(edge.map_or(last.at, |edge| nearer(edge, last.at, end)));
        }
        rows.extend(listed.rows);
    }
    match end {
        End::Oldest => rows.sort_by_key(|r| r.at),
        End::Newest => rows.sort_by_key(|r| std::cmp::Reverse(r.at)),
    }
    if let Some(edge) = edge {
        rows.retain(|r| nearer(edge, r.at, end) == r.at);
    }
    let more = edge.is_some() || rows.len() > limit.rows;
    rows.truncate(limit.rows);
    Ok(Listed { rows, more })
}

/// Which of two places comes first from this end.
fn nearer(a: Position, b: Position, end: End) -> Position {
    match end {
        End::Oldest => a.min(b),
        End::Newest => a.max(b),
    }
}

/// The part of a range that lies behind a place.
pub(super) fn beyond(range: Range, at: Position, end: End) -> Range {
    match end {
        End::Oldest => Range { after: range.after.max(at), ..range },
        End::Newest => Range { before: range.before.min(at), ..range },
    }
}
