//! BatchGetReportGroups: by ARN; what is not found is listed as it was asked for.
//! Follows <https://docs.aws.amazon.com/codebuild/latest/APIReference/API_BatchGetReportGroups.html>.

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::tables::codebuild_report_group;

use super::report_group::{name_in, view};

/// The request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub report_group_arns: Vec<String>,
}

/// The answer.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub report_groups: Vec<Value>,
    pub report_groups_not_found: Vec<String>,
}

/// Shows report groups.
pub async fn batch_get_report_groups(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let mut tx = cx.store.read().await?;
    let mut output = Output::default();
    for arn in input.report_group_arns {
        let row = match name_in(cx.scope(), &arn) {
            Some(name) => codebuild_report_group::get(&mut tx, cx.scope(), name).await?,
            None => None,
        };
        match row {
            Some(row) => output.report_groups.push(view(cx.scope(), &row)),
            None => output.report_groups_not_found.push(arn),
        }
    }
    Ok(output)
}
