//! GetLogEvents: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html>.
//!
//! Both tokens always come back. A page that is at the end of the stream gives the token that asked for it, until
//! events are added. Without a token the newest events come, unless `startFromHead`; they are in order in any case.

use base::ApiError;
use serde::{Deserialize, Serialize};
use store::tables::logs_event::{End, Position, Range};

use super::token::Token;
use super::{find, scan};
use crate::Cx;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub log_group_name: Option<String>,
    pub log_group_identifier: Option<String>,
    pub log_stream_name: String,
    pub start_time: Option<i64>,
    pub end_time: Option<i64>,
    pub next_token: Option<String>,
    pub limit: Option<usize>,
    #[serde(default)]
    pub start_from_head: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub events: Vec<OutputLogEvent>,
    pub next_forward_token: String,
    pub next_backward_token: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutputLogEvent {
    pub timestamp: i64,
    pub message: String,
    pub ingestion_time: i64,
}

pub async fn get_log_events(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let name = find::name(cx.scope(), input.log_group_name.as_deref(), input.log_group_identifier.as_deref())?;
    let token = input.next_token.as_deref().map(Token::parse).transpose()?;
    let mut tx = cx.store.read().await?;
    let group = find::group(&mut tx, cx.scope(), &name).await?;
    let stream = find::stream(&mut tx, group, &input.log_stream_name).await?;
    let start = input.start_time.unwrap_or(0).max(group.oldest_ms(cx.now()));
    let window = Range::of_times(start, input.end_time.unwrap_or(i64::MAX));
    let (end, range) = match token {
        Some(Token::Forward(at)) => (End::Oldest, scan::beyond(window, at, End::Oldest)),
        Some(Token::Backward(at)) => (End::Newest, scan::beyond(window, at, End::Newest)),
        None if input.start_from_head => (End::Oldest, window),
        None => (End::Newest, window),
    };
    let limit = input.limit.unwrap_or(10_000).clamp(1, 10_000);
    let mut rows = scan::page(&mut tx, stream.id, range, end, limit).await?;
    if end == End::Newest {
        rows.reverse();
    }
    let (forward, backward) = match (rows.first(), rows.last(), token) {
        (Some(first), Some(last), _) => (last.at, first.at),
        // Nothing there: the token that asked comes back, and the other one leads to where it came from.
        (_, _, Some(Token::Forward(at))) => (at, Position { seq: at.seq.saturating_add(1), ..at }),
        (_, _, Some(Token::Backward(at))) => (Position { seq: at.seq.saturating_sub(1), ..at }, at),
        (_, _, None) => (window.after, window.before),
    };
    let event = |r: store::tables::logs_event::Row| OutputLogEvent {
        timestamp: r.at.time_ms,
        message: r.message,
        ingestion_time: r.ingested.millis(),
    };
    Ok(Output {
        events: rows.into_iter().map(event).collect(),
        next_forward_token: Token::Forward(forward).text(),
        next_backward_token: Token::Backward(backward).text(),
    })
}
