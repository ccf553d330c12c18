//! DeleteReportGroup: a group that holds reports goes only with `deleteReports`; files that were exported stay.
//! Deleting what does not exist succeeds.
//! Follows <https://docs.aws.amazon.com/codebuild/latest/APIReference/API_DeleteReportGroup.html>.

use base::{ApiError, Scope};
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::Tx;
use store::tables::codebuild_report::Filter;
use store::tables::{codebuild_report, codebuild_report_group};

use super::errors::invalid;
use super::report_group::need_name;

/// Reports that are removed in one go.
const BATCH: u32 = 100;

/// The request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub arn: String,
    #[serde(default)]
    pub delete_reports: bool,
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
pub struct Output {}

/// Deletes a report group.
pub async fn delete_report_group(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let name = need_name(cx.scope(), &input.arn)?.to_owned();
    let scope = cx.scope().clone();
    cx.store
        .write(move |tx| {
            let (scope, name) = (scope.clone(), name.clone());
            Box::pin(async move { delete(tx, &scope, &name, input.delete_reports).await })
        })
        .await?;
    Ok(Output {})
}

async fn delete(tx: &mut Tx, scope: &Scope, name: &str, with_reports: bool) -> Result<(), ApiError> {
    loop {
        let filter = Filter { group: Some(name), status: None };
        let rows = codebuild_report::page(tx, scope, filter, true, None, BATCH).await?;
        if rows.is_empty() {
            break;
        }
        if !with_reports {
            let why = "Report group can not be deleted because it contains reports; delete them first, or set \
                       deleteReports";
            return Err(invalid(why));
        }
        for row in rows {
            codebuild_report::delete(tx, scope, &row.id).await?;
        }
    }
    Ok(codebuild_report_group::delete(tx, scope, name).await?)
}
