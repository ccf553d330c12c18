//! ListReportGroups: ARNs, sorted by name, creation or change.
//! Follows <https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ListReportGroups.html>.

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::codebuild_report_group;

use super::report::slice;
use super::report_group::arn;

/// The request.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub sort_by: Option<String>,
    pub sort_order: Option<String>,
    pub max_results: Option<u32>,
    pub next_token: Option<String>,
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub report_groups: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// Lists report groups.
pub async fn list_report_groups(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let mut tx = cx.store.read().await?;
    let mut rows = codebuild_report_group::list(&mut tx, cx.scope()).await?;
    let by = input.sort_by.as_deref().unwrap_or("NAME");
    match by {
        "CREATED_TIME" => rows.sort_by_key(|row| row.created),
        "LAST_MODIFIED_TIME" => rows.sort_by_key(|row| row.modified),
        _ => {}
    }
    let descending = input.sort_order.as_deref() == Some("DESCENDING");
    if descending {
        rows.reverse();
    }
    let list = format!("ListReportGroups:{by}:{descending}:{:?}", cx.scope());
    let arns = rows.iter().map(|row| arn(cx.scope(), &row.name)).collect();
    let (report_groups, next_token) = slice(&list, arns, input.next_token.as_deref(), input.max_results)?;
    Ok(Output { report_groups, next_token })
}
