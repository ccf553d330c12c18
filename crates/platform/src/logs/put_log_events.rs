//! PutLogEvents: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html>. A batch
//! is in order, spans at most 24 hours and has at most 1 MiB. Events that are too old, too new or past the
//! retention are left out and reported. A sequence token is accepted and not needed.

use base::ApiError;
use serde::{Deserialize, Serialize};
use store::tables::logs_event;

use super::scan::{EVENT_OVERHEAD, PAGE_BYTES};
use super::{append, errors, find};
use crate::Cx;
use crate::transact::transact;

const HOUR_MS: i64 = 3_600_000;
const MAX_EVENTS: usize = 10_000;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub log_group_name: String,
    pub log_stream_name: String,
    pub log_events: Vec<InputLogEvent>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InputLogEvent {
    pub timestamp: i64,
    pub message: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub next_sequence_token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rejected_log_events_info: Option<RejectedLogEventsInfo>,
}

/// Places in the batch: the first that is too new, and the first that is not too old.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RejectedLogEventsInfo {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub too_new_log_event_start_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub too_old_log_event_end_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expired_log_event_end_index: Option<usize>,
}

pub async fn put_log_events(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    check(&input.log_events)?;
    transact(cx, input, |tx, cx, input| {
        Box::pin(async move {
            let group = find::group(tx, cx.scope(), &input.log_group_name).await?;
            let stream = find::stream(tx, group, &input.log_stream_name).await?;
            let now = cx.now();
            let events = &input.log_events;
            let older_than = |ms: i64| Some(events.partition_point(|e| e.timestamp < ms)).filter(|n| *n > 0);
            let newest = now.millis() + 2 * HOUR_MS;
            let too_new = Some(events.partition_point(|e| e.timestamp <= newest)).filter(|n| *n < events.len());
            let rejected = RejectedLogEventsInfo {
                too_new_log_event_start_index: too_new,
                too_old_log_event_end_index: older_than(now.millis() - 14 * 24 * HOUR_MS),
                expired_log_event_end_index: group.retention_days.and_then(|_| older_than(group.oldest_ms(now))),
            };
            let begin = rejected.too_old_log_event_end_index.max(rejected.expired_log_event_end_index).unwrap_or(0);
            let kept = events.get(begin..too_new.unwrap_or(events.len())).unwrap_or_default();
            let row =
                |e: &InputLogEvent| logs_event::NewRow { time_ms: e.timestamp, message: e.message.clone(), lines: 1 };
            let rows: Vec<_> = kept.iter().map(row).collect();
            append::insert(tx, group.id, stream.id, now, &rows).await?;
            let rejected_log_events_info = Some(rejected).filter(|r| *r != RejectedLogEventsInfo::default());
            Ok(Output { next_sequence_token: format!("{:056}", now.micros()), rejected_log_events_info })
        })
    })
    .await
}

fn check(events: &[InputLogEvent]) -> Result<(), ApiError> {
    let (Some(first), Some(last)) = (events.first(), events.last()) else {
        return Err(errors::invalid(
            "1 validation error detected: Value '[]' at 'logEvents' failed to satisfy constraint: Member must have \
             length greater than or equal to 1",
        ));
    };
    if events.len() > MAX_EVENTS {
        return Err(errors::invalid(format!(
            "1 validation error detected: Value at 'logEvents' failed to satisfy constraint: Member must have length \
             less than or equal to {MAX_EVENTS}"
        )));
    }
    let bytes: usize = events.iter().map(|e| e.message.len() + EVENT_OVERHEAD).sum();
    if bytes > PAGE_BYTES {
        return Err(errors::invalid(format!("Upload too large: {bytes} bytes exceeds limit of {PAGE_BYTES}")));
    }
    if !events.is_sorted_by_key(|e| e.timestamp) {
        return Err(errors::invalid("Log events in a single PutLogEvents request must be in chronological order."));
    }
    if last.timestamp - first.timestamp > 24 * HOUR_MS {
        return Err(errors::invalid(
            "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
        ));
    }
    Ok(())
}
