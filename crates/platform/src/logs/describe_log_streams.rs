//! DescribeLogStreams:
//! <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogStreams.html>. By name or by
//! last event. `storedBytes` of a stream is always 0, as it is on AWS since 2019.

use base::{ApiError, PageToken};
use serde::{Deserialize, Serialize};
use store::tables::logs_stream;

use super::{errors, find};
use crate::Cx;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub log_group_name: Option<String>,
    pub log_group_identifier: Option<String>,
    pub log_stream_name_prefix: Option<String>,
    pub order_by: Option<String>,
    #[serde(default)]
    pub descending: bool,
    pub next_token: Option<String>,
    pub limit: Option<i64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub log_streams: Vec<LogStream>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LogStream {
    pub log_stream_name: String,
    pub creation_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_event_timestamp: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_event_timestamp: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_ingestion_time: Option<i64>,
    pub upload_sequence_token: String,
    pub arn: String,
    pub stored_bytes: i64,
}

pub async fn describe_log_streams(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let name = find::name(cx.scope(), input.log_group_name.as_deref(), input.log_group_identifier.as_deref())?;
    let by_event = input.order_by.as_deref() == Some("LastEventTime");
    if by_event && input.log_stream_name_prefix.is_some() {
        return Err(errors::invalid("Cannot order by LastEventTime with a logStreamNamePrefix."));
    }
    let mut tx = cx.store.read().await?;
    let group = find::group(&mut tx, cx.scope(), &name).await?;
    let prefix = input.log_stream_name_prefix.unwrap_or_default();
    let list = format!("DescribeLogStreams {} {prefix} {by_event} {}", group.id, input.descending);
    let position = match &input.next_token {
        None => None,
        Some(token) => Some(PageToken::position(&list, token).map_err(|_| errors::bad_token())?),
    };
    let limit = usize::try_from(input.limit.unwrap_or(50).clamp(1, 50)).unwrap_or(50);
    let ask = i64::try_from(limit + 1).unwrap_or(51);
    let mut rows = if by_event {
        let after = match &position {
            None => None,
            Some(text) => {
                let (ms, name) = text.split_once(' ').ok_or_else(errors::bad_token)?;
                Some((ms.parse().map_err(|_| errors::bad_token())?, name))
            }
        };
        logs_stream::list_by_event(&mut tx, group.id, after, input.descending, ask).await?
    } else {
        logs_stream::list_by_name(&mut tx, group.id, &prefix, position.as_deref(), input.descending, ask).await?
    };
    let more = rows.len() > limit;
    rows.truncate(limit);
    let place = |r: &logs_stream::Row| match by_event {
        true => format!("{} {}", r.last_event_ms.unwrap_or(0), r.name),
        false => r.name.clone(),
    };
    let next_token = rows.last().filter(|_| more).map(|r| PageToken::after(&list, &place(r)).into_string());
    let arn = find::group_arn(cx.scope(), &name);
    let shape = |r: logs_stream::Row| LogStream {
        arn: format!("{arn}:log-stream:{}", r.name),
        log_stream_name: r.name,
        creation_time: r.created.millis(),
        first_event_timestamp: r.first_event_ms,
        last_event_timestamp: r.last_event_ms,
        last_ingestion_time: r.last_ingestion.map(|t| t.millis()),
        upload_sequence_token: format!("{:056}", r.last_ingestion.unwrap_or(r.created).micros()),
        stored_bytes: 0,
    };
    Ok(Output { log_streams: rows.into_iter().map(shape).collect(), next_token })
}
