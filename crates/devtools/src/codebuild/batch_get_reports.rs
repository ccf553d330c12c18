//! BatchGetReports: by ARN; what is not found, or has expired, is listed as it was asked for.
//! Follows <https://docs.aws.amazon.com/codebuild/latest/APIReference/API_BatchGetReports.html>.

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::tables::codebuild_report;

use super::report::{id_in, view};

/// The request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub report_arns: Vec<String>,
}

/// The answer.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub reports: Vec<Value>,
    pub reports_not_found: Vec<String>,
}

/// Shows reports.
pub async fn batch_get_reports(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let mut tx = cx.store.read().await?;
    let mut output = Output::default();
    for arn in input.report_arns {
        let row = match id_in(cx.scope(), &arn) {
            Some(id) => codebuild_report::get(&mut tx, cx.scope(), id).await?,
            None => None,
        };
        match row {
            Some(row) => output.reports.push(view(cx.scope(), &row)),
            None => output.reports_not_found.push(arn),
        }
    }
    Ok(output)
}
