//! DescribeTestCases: the cases of a report, in its order; by status, or with a word in name or prefix.
//! Follows <https://docs.aws.amazon.com/codebuild/latest/APIReference/API_DescribeTestCases.html>.

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::tables::{codebuild_report, codebuild_test_case};

use super::report::{need_id, slice};

/// The request.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub report_arn: String,
    pub filter: Option<TestCaseFilter>,
    pub max_results: Option<u32>,
    pub next_token: Option<String>,
}

/// `TestCaseFilter`.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct TestCaseFilter {
    pub status: Option<String>,
    pub keyword: Option<String>,
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub test_cases: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// Shows test cases.
pub async fn describe_test_cases(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let id = need_id(cx.scope(), &input.report_arn)?;
    let mut tx = cx.store.read().await?;
    let report = codebuild_report::get(&mut tx, cx.scope(), id).await?.ok_or_else(|| {
        let message = format!("Report does not exist: {}", input.report_arn);
        ApiError::new("ResourceNotFoundException", message)
    })?;
    let TestCaseFilter { status, keyword } = input.filter.unwrap_or_default();
    let mut cases = codebuild_test_case::list(&mut tx, cx.scope(), id).await?;
    cases.retain(|case| {
        status.as_ref().is_none_or(|status| *status == case.status)
            && keyword.as_ref().is_none_or(|word| case.name.contains(word) || case.prefix.contains(word))
    });
    let list = format!("DescribeTestCases:{id}:{status:?}:{keyword:?}");
    let (page, next_token) = slice(&list, cases, input.next_token.as_deref(), input.max_results)?;
    let view = |case: codebuild_test_case::Row| {
        json!({
            "reportArn": input.report_arn,
            "testRawDataPath": case.path,
            "prefix": case.prefix,
            "name": case.name,
            "status": case.status,
            "durationInNanoSeconds": case.duration_nanos,
            "message": case.message,
            "expired": report.expires,
            "testSuiteName": case.suite,
        })
    };
    Ok(Output { test_cases: page.into_iter().map(view).collect(), next_token })
}
