//! DeleteReport: the report goes with its test cases; files that were exported stay. Deleting what does not exist
//! succeeds.
//! Follows <https://docs.aws.amazon.com/codebuild/latest/APIReference/API_DeleteReport.html>.

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::codebuild_report;

use super::report::need_id;

/// The request.
#[derive(Clone, Debug, Deserialize)]
pub struct Input {
    pub arn: String,
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
pub struct Output {}

/// Deletes a report.
pub async fn delete_report(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let (scope, id) = (cx.scope().clone(), need_id(cx.scope(), &input.arn)?.to_owned());
    cx.store
        .write(move |tx| {
            let (scope, id) = (scope.clone(), id.clone());
            Box::pin(async move { codebuild_report::delete(tx, &scope, &id).await })
        })
        .await?;
    Ok(Output {})
}
