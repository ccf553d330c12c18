//! DescribeLogGroups:
//! <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogGroups.html>. By name.

use base::{ApiError, PageToken};
use serde::{Deserialize, Serialize};
use store::tables::logs_group;

use super::{errors, find};
use crate::Cx;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub log_group_name_prefix: Option<String>,
    pub log_group_name_pattern: Option<String>,
    pub next_token: Option<String>,
    pub limit: Option<i64>,
    pub log_group_class: Option<String>,
    pub log_group_identifiers: Option<Vec<String>>,
    #[serde(default)]
    pub include_linked_accounts: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub log_groups: Vec<LogGroup>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LogGroup {
    pub log_group_name: String,
    pub creation_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention_in_days: Option<i64>,
    pub metric_filter_count: i64,
    pub arn: String,
    pub stored_bytes: i64,
    pub log_group_class: String,
    pub log_group_arn: String,
}

pub async fn describe_log_groups(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let mut tx = cx.store.read().await?;
    if let Some(identifiers) = &input.log_group_identifiers {
        let mut log_groups = Vec::new();
        for identifier in identifiers {
            let name = find::name(cx.scope(), None, Some(identifier))?;
            log_groups.extend(logs_group::get(&mut tx, cx.scope(), &name).await?.map(|r| shape(cx, r)));
        }
        return Ok(Output { log_groups, next_token: None });
    }
    if input.log_group_name_prefix.is_some() && input.log_group_name_pattern.is_some() {
        let text = "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.";
        return Err(errors::invalid(text));
    }
    let filter = logs_group::Filter {
        prefix: input.log_group_name_prefix.unwrap_or_default(),
        part: input.log_group_name_pattern.unwrap_or_default(),
        class: input.log_group_class.unwrap_or_default(),
    };
    let list = format!("DescribeLogGroups {filter:?}");
    let after = match &input.next_token {
        None => String::new(),
        Some(token) => PageToken::position(&list, token).map_err(|_| errors::bad_token())?,
    };
    let limit = usize::try_from(input.limit.unwrap_or(50).clamp(1, 50)).unwrap_or(50);
    let ask = i64::try_from(limit + 1).unwrap_or(51);
    let mut rows = logs_group::list(&mut tx, cx.scope(), &filter, &after, ask).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next_token = rows.last().filter(|_| more).map(|r| PageToken::after(&list, &r.name).into_string());
    Ok(Output { log_groups: rows.into_iter().map(|r| shape(cx, r)).collect(), next_token })
}

fn shape(cx: &Cx, row: logs_group::Row) -> LogGroup {
    let arn = find::group_arn(cx.scope(), &row.name);
    LogGroup {
        log_group_name: row.name,
        creation_time: row.created.millis(),
        retention_in_days: row.retention_days,
        metric_filter_count: 0,
        arn: format!("{arn}:*"),
        stored_bytes: row.stored_bytes,
        log_group_class: row.class,
        log_group_arn: arn,
    }
}
