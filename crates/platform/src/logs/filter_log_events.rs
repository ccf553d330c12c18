//! FilterLogEvents: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html>.
//!
//! Events of all streams (or those named) in the order of their time. A page may be short or empty and still have a
//! `nextToken`: a call looks at a limited number of events and of their bytes. `searchedLogStreams` is always empty, as on AWS.

use std::collections::{BTreeMap, BTreeSet};

use base::{ApiError, PageToken};
use formats::log_filter::LogFilter;
use serde::{Deserialize, Serialize};
use store::Tx;
use store::tables::logs_event::{End, Limit, Listed, Place, Position, Range};
use store::tables::logs_stream;

use super::find::Group;
use super::scan::{EVENT_OVERHEAD, PAGE_BYTES};
use super::{errors, find, scan, token};
use crate::Cx;

/// A call looks at no more than this; `nextToken` leads on.
const LOOKED_AT: Limit = Limit { rows: 20_000, bytes: 16 << 20 };
/// So much is fetched at once.
const CHUNK: Limit = Limit { rows: 500, bytes: 2 << 20 };
/// More streams than this are read through the index of the whole group. Each that is read apart may have an event of
/// the largest size in memory.
const MAX_APART: usize = 32;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub log_group_name: Option<String>,
    pub log_group_identifier: Option<String>,
    pub log_stream_names: Option<Vec<String>>,
    pub log_stream_name_prefix: Option<String>,
    pub start_time: Option<i64>,
    pub end_time: Option<i64>,
    pub filter_pattern: Option<String>,
    pub next_token: Option<String>,
    pub limit: Option<usize>,
    /// Oldest first unless it is set to false.
    pub start_from_head: Option<bool>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub events: Vec<FilteredLogEvent>,
    pub searched_log_streams: Vec<find::Nothing>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FilteredLogEvent {
    pub log_stream_name: String,
    pub timestamp: i64,
    pub message: String,
    pub ingestion_time: i64,
    pub event_id: String,
}

/// Which streams to look at.
struct Search {
    places: Vec<Place>,
    /// Set when the places hold more than was asked for.
    only: Option<BTreeSet<i64>>,
    names: BTreeMap<i64, String>,
}

pub async fn filter_log_events(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let name = find::name(cx.scope(), input.log_group_name.as_deref(), input.log_group_identifier.as_deref())?;
    let pattern = input.filter_pattern.as_deref().unwrap_or_default();
    let filter = LogFilter::parse(pattern).map_err(|e| errors::invalid(e.to_string()))?;
    let mut tx = cx.store.read().await?;
    let group = find::group(&mut tx, cx.scope(), &name).await?;
    let mut search = search(&mut tx, group, &input).await?;
    let start = input.start_time.unwrap_or(0).max(group.oldest_ms(cx.now()));
    let end_ms = input.end_time.map_or(i64::MAX, |ms| ms.saturating_add(1));
    let end = if input.start_from_head == Some(false) { End::Newest } else { End::Oldest };
    let list = format!(
        "FilterLogEvents {} {:?} {:?} {:?} {:?} {pattern} {end:?}",
        group.id, input.log_stream_names, input.log_stream_name_prefix, input.start_time, input.end_time
    );
    let mut range = Range::of_times(start, end_ms);
    if let Some(token) = &input.next_token {
        range = scan::beyond(range, position(&list, token)?, end);
    }
    let limit = input.limit.unwrap_or(10_000).clamp(1, 10_000);
    let (mut events, mut bytes) = (Vec::new(), 0);
    let mut left = LOOKED_AT;
    let mut last = None;
    'page: loop {
        let Listed { rows, more } = scan::merged(&mut tx, &search.places, range, end, CHUNK).await?;
        left.rows = left.rows.saturating_sub(rows.len());
        left.bytes = left.bytes.saturating_sub(rows.iter().map(|r| r.message.len()).sum());
        for row in rows {
            let at = row.at;
            let wanted = search.only.as_ref().is_none_or(|only| only.contains(&row.stream));
            if wanted && filter.matches(&row.message) {
                bytes += row.message.len() + EVENT_OVERHEAD;
                if bytes > PAGE_BYTES && !events.is_empty() {
                    break 'page;
                }
                events.push(FilteredLogEvent {
                    log_stream_name: stream_name(&mut tx, &mut search.names, row.stream).await?,
                    timestamp: at.time_ms,
                    message: row.message,
                    ingestion_time: row.ingested.millis(),
                    event_id: token::digits(at),
                });
            }
            last = Some(at);
            range = scan::beyond(range, at, end);
            if events.len() == limit {
                break 'page;
            }
        }
        if !more {
            last = None;
            break;
        }
        if left.rows == 0 || left.bytes == 0 {
            break;
        }
    }
    let place = |at: Position| PageToken::after(&list, &format!("{} {}", at.time_ms, at.seq)).into_string();
    Ok(Output { events, searched_log_streams: Vec::new(), next_token: last.map(place) })
}

fn position(list: &str, token: &str) -> Result<Position, ApiError> {
    let text = PageToken::position(list, token).map_err(|_| errors::bad_token())?;
    let (time, seq) = text.split_once(' ').ok_or_else(errors::bad_token)?;
    match (time.parse(), seq.parse()) {
        (Ok(time_ms), Ok(seq)) => Ok(Position { time_ms, seq }),
        _ => Err(errors::bad_token()),
    }
}

async fn search(tx: &mut Tx, group: Group, input: &Input) -> Result<Search, ApiError> {
    let streams = match (&input.log_stream_names, &input.log_stream_name_prefix) {
        (Some(_), Some(_)) => {
            return Err(errors::invalid("logStreamNames and logStreamNamePrefix are mutually exclusive parameters."));
        }
        (None, None) => {
            return Ok(Search { places: vec![Place::Group(group.id)], only: None, names: BTreeMap::new() });
        }
        (Some(names), None) => {
            let mut rows = Vec::new();
            for name in names {
                rows.push(find::stream(tx, group, name).await?);
            }
            rows
        }
        (None, Some(prefix)) => logs_stream::list_by_name(tx, group.id, prefix, None, false, i64::MAX).await?,
    };
    let names: BTreeMap<i64, String> = streams.into_iter().map(|s| (s.id, s.name)).collect();
    if names.len() <= MAX_APART {
        Ok(Search { places: names.keys().map(|id| Place::Stream(*id)).collect(), only: None, names })
    } else {
        let only = Some(names.keys().copied().collect());
        Ok(Search { places: vec![Place::Group(group.id)], only, names })
    }
}

async fn stream_name(tx: &mut Tx, names: &mut BTreeMap<i64, String>, id: i64) -> Result<String, ApiError> {
    if let Some(name) = names.get(&id) {
        return Ok(name.clone());
    }
    let name = logs_stream::name(tx, id).await?.unwrap_or_default();
    names.insert(id, name.clone());
    Ok(name)
}
