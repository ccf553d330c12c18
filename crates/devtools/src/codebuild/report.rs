//! What reports are shown as, and pages of them.

use base::{ApiError, PageToken, Scope, Timestamp};
use platform::Cx;
use serde::Deserialize;
use serde_json::{Value, json};
use store::Tx;
use store::tables::codebuild_report::{self, Filter, Row};

use super::errors::invalid;
use super::report_group;

/// `ReportFilter`.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct ReportFilter {
    pub status: Option<String>,
}

/// The ARN of a report.
pub(super) fn arn(scope: &Scope, id: &str) -> String {
    scope.arn("codebuild", format!("report/{id}")).to_string()
}

/// The id in a report's ARN, if it is one of this account and region.
pub(super) fn id_in<'a>(scope: &Scope, arn: &'a str) -> Option<&'a str> {
    let prefix = scope.arn("codebuild", "report/").to_string();
    arn.strip_prefix(&prefix).filter(|id| id.contains(':'))
}

/// As `id_in`, or AWS's refusal.
pub(super) fn need_id<'a>(scope: &Scope, arn: &'a str) -> Result<&'a str, ApiError> {
    id_in(scope, arn).ok_or_else(|| invalid(format!("Invalid report ARN: {arn}")))
}

/// `Report` of the API.
pub(super) fn view(scope: &Scope, row: &Row) -> Value {
    let mut report = json!({
        "arn": arn(scope, &row.id),
        "type": row.kind,
        "name": row.group,
        "reportGroupArn": report_group::arn(scope, &row.group),
        "executionId": row.build,
        "status": row.status,
        "created": row.created,
        "expired": row.expires,
        "exportConfig": row.export,
        "truncated": row.truncated,
    });
    if !row.summary.is_null() {
        let member = if row.kind == "TEST" { "testSummary" } else { "codeCoverageSummary" };
        report[member] = row.summary.clone();
    }
    report
}

/// Which part of a list is asked for.
pub(super) struct Wanted<'a> {
    pub group: Option<&'a str>,
    pub filter: Option<&'a ReportFilter>,
    pub order: Option<&'a str>,
    pub token: Option<&'a str>,
    pub max: Option<u32>,
}

/// One page of ARNs, newest first unless asked otherwise, and the token of the next.
pub(super) async fn page(cx: &Cx, tx: &mut Tx, wanted: Wanted<'_>) -> Result<(Vec<String>, Option<String>), ApiError> {
    let Wanted { group, filter, order, token, max } = wanted;
    let newest_first = order != Some("ASCENDING");
    let status = filter.and_then(|f| f.status.as_deref());
    let list = format!("ListReports:{group:?}:{status:?}:{newest_first}:{:?}", cx.scope());
    let bad = || invalid("Invalid token provided");
    let after = token.map(|token| -> Result<(Timestamp, String), ApiError> {
        let position = PageToken::position(&list, token).map_err(|_| bad())?;
        let (time, id) = position.split_once(' ').ok_or_else(bad)?;
        Ok((Timestamp::from_micros(time.parse().map_err(|_| bad())?), id.to_owned()))
    });
    let after = after.transpose()?;
    let after = after.as_ref().map(|(time, id)| (*time, id.as_str()));
    let size = max.unwrap_or(100).clamp(1, 100);
    let filter = Filter { group, status };
    let mut rows = codebuild_report::page(tx, cx.scope(), filter, newest_first, after, size + 1).await?;
    let more = rows.len() > size as usize;
    rows.truncate(size as usize);
    let last = rows.last().filter(|_| more);
    let next = last.map(|r| PageToken::after(&list, &format!("{} {}", r.created.micros(), r.id)).into_string());
    Ok((rows.iter().map(|row| arn(cx.scope(), &row.id)).collect(), next))
}

/// A page of a list that is at hand as a whole; its token is a place in it.
pub(super) fn slice<T>(
    list: &str,
    items: Vec<T>,
    token: Option<&str>,
    max: Option<u32>,
) -> Result<(Vec<T>, Option<String>), ApiError> {
    let bad = || invalid("Invalid token provided");
    let from: usize = match token {
        None => 0,
        Some(token) => PageToken::position(list, token).map_err(|_| bad())?.parse().map_err(|_| bad())?,
    };
    let size = max.unwrap_or(100).clamp(1, 100) as usize;
    let more = items.len() > from.saturating_add(size);
    let page = items.into_iter().skip(from).take(size).collect();
    let next = more.then(|| PageToken::after(list, &(from + size).to_string()).into_string());
    Ok((page, next))
}
