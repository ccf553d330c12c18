//! ListReports: ARNs of all reports, newest first unless asked otherwise.
//! Follows <https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ListReports.html>.

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};

use super::report::{ReportFilter, Wanted, page};

/// The request.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub filter: Option<ReportFilter>,
    pub sort_order: Option<String>,
    pub max_results: Option<u32>,
    pub next_token: Option<String>,
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub reports: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// Lists reports.
pub async fn list_reports(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let mut tx = cx.store.read().await?;
    let wanted = Wanted {
        group: None,
        filter: input.filter.as_ref(),
        order: input.sort_order.as_deref(),
        token: input.next_token.as_deref(),
        max: input.max_results,
    };
    let (reports, next_token) = page(cx, &mut tx, wanted).await?;
    Ok(Output { reports, next_token })
}
