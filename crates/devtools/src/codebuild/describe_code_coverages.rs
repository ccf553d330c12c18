//! DescribeCodeCoverages: the source files of a coverage report, by path unless asked otherwise, within bounds.
//! Follows <https://docs.aws.amazon.com/codebuild/latest/APIReference/API_DescribeCodeCoverages.html>.

use base::ApiError;
use formats::report::CoverageTotals;
use platform::Cx;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::tables::codebuild_coverage::Row;
use store::tables::{codebuild_coverage, codebuild_report};

use super::errors::invalid;
use super::report::{need_id, slice};

/// The request.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub report_arn: String,
    pub sort_by: Option<String>,
    pub sort_order: Option<String>,
    pub min_line_coverage_percentage: Option<f64>,
    pub max_line_coverage_percentage: Option<f64>,
    pub max_results: Option<u32>,
    pub next_token: Option<String>,
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub code_coverages: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// Shows source files.
pub async fn describe_code_coverages(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let id = need_id(cx.scope(), &input.report_arn)?;
    let (min, max) =
        (input.min_line_coverage_percentage.unwrap_or(0.0), input.max_line_coverage_percentage.unwrap_or(100.0));
    if min > max {
        return Err(invalid("Invalid range: the minimum of the line coverage percentage is above its maximum"));
    }
    let mut tx = cx.store.read().await?;
    // The model knows no ResourceNotFoundException here.
    let missing = || invalid(format!("Report does not exist: {}", input.report_arn));
    let report = codebuild_report::get(&mut tx, cx.scope(), id).await?.ok_or_else(missing)?;
    let rows = codebuild_coverage::list(&mut tx, cx.scope(), id).await?;
    let mut files: Vec<(Row, CoverageTotals)> = rows
        .into_iter()
        .map(|row| {
            let totals = totals(&row);
            (row, totals)
        })
        .filter(|(_, totals)| (min..=max).contains(&totals.line_percentage()))
        .collect();
    files.sort_by(|(a, _), (b, _)| a.path.cmp(&b.path));
    let by = input.sort_by.as_deref().unwrap_or("FILE_PATH");
    if by == "LINE_COVERAGE_PERCENTAGE" {
        files.sort_by(|(_, a), (_, b)| a.line_percentage().total_cmp(&b.line_percentage()));
    }
    let descending = input.sort_order.as_deref() == Some("DESCENDING");
    if descending {
        files.reverse();
    }
    let list = format!("DescribeCodeCoverages:{id}:{by}:{descending}:{min}:{max}");
    let (page, next_token) = slice(&list, files, input.next_token.as_deref(), input.max_results)?;
    let view = |(row, totals): (Row, CoverageTotals)| {
        json!({
            "id": base::derived_uuid(&["codebuild-coverage", &input.report_arn, &row.path]).to_string(),
            "reportARN": input.report_arn,
            "filePath": row.path,
            "lineCoveragePercentage": totals.line_percentage(),
            "linesCovered": totals.lines_covered,
            "linesMissed": totals.lines_missed,
            "branchCoveragePercentage": totals.branch_percentage(),
            "branchesCovered": totals.branches_covered,
            "branchesMissed": totals.branches_missed,
            "expired": report.expires,
        })
    };
    Ok(Output { code_coverages: page.into_iter().map(view).collect(), next_token })
}

fn totals(row: &Row) -> CoverageTotals {
    let count = |n: i64| u64::try_from(n).unwrap_or(0);
    CoverageTotals {
        lines_covered: count(row.lines_covered),
        lines_missed: count(row.lines_missed),
        branches_covered: count(row.branches_covered),
        branches_missed: count(row.branches_missed),
    }
}
