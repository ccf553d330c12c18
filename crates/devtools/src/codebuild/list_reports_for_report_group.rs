//! ListReportsForReportGroup: ARNs of a group's reports, newest first unless asked otherwise.
//! Follows <https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ListReportsForReportGroup.html>.

use base::ApiError;
use platform::Cx;
use serde::Deserialize;
use store::tables::codebuild_report_group;

use super::list_reports::Output;
use super::report::{ReportFilter, Wanted, page};
use super::report_group::{need_name, not_found};

/// The request.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub report_group_arn: String,
    pub filter: Option<ReportFilter>,
    pub sort_order: Option<String>,
    pub max_results: Option<u32>,
    pub next_token: Option<String>,
}

/// Lists the reports of a group.
pub async fn list_reports_for_report_group(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let name = need_name(cx.scope(), &input.report_group_arn)?;
    let mut tx = cx.store.read().await?;
    if codebuild_report_group::get(&mut tx, cx.scope(), name).await?.is_none() {
        return Err(not_found(&input.report_group_arn));
    }
    let wanted = Wanted {
        group: Some(name),
        filter: input.filter.as_ref(),
        order: input.sort_order.as_deref(),
        token: input.next_token.as_deref(),
        max: input.max_results,
    };
    let (reports, next_token) = page(cx, &mut tx, wanted).await?;
    Ok(Output { reports, next_token })
}
