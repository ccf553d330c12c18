//! GetReportGroupTrend: one figure of a group's newest reports, with its average, least and greatest value. Reports
//! that never were completed have no figures.
//! Follows <https://docs.aws.amazon.com/codebuild/latest/APIReference/API_GetReportGroupTrend.html>.

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::tables::codebuild_report::Filter;
use store::tables::{codebuild_report, codebuild_report_group};

use super::errors::invalid;
use super::report::arn;
use super::report_group::{need_name, not_found};

/// The request.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub report_group_arn: String,
    pub num_of_reports: Option<u32>,
    pub trend_field: String,
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stats: Option<Value>,
    pub raw_data: Vec<Value>,
}

/// Shows a trend.
pub async fn get_report_group_trend(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let name = need_name(cx.scope(), &input.report_group_arn)?;
    let mut tx = cx.store.read().await?;
    let group = codebuild_report_group::get(&mut tx, cx.scope(), name).await?;
    let group = group.ok_or_else(|| not_found(&input.report_group_arn))?;
    let field = input.trend_field.as_str();
    let wanted = if matches!(field, "PASS_RATE" | "DURATION" | "TOTAL") { "TEST" } else { "CODE_COVERAGE" };
    if group.kind != wanted {
        return Err(invalid(format!("Invalid trend field: {field} is not of reports of type {}", group.kind)));
    }
    let count = input.num_of_reports.unwrap_or(100);
    let filter = Filter { group: Some(name), status: None };
    let rows = codebuild_report::page(&mut tx, cx.scope(), filter, true, None, count).await?;
    let values: Vec<(String, f64)> =
        rows.iter().filter_map(|row| Some((arn(cx.scope(), &row.id), figure(&row.summary, field)?))).collect();
    Ok(Output { stats: stats(&values), raw_data: values.iter().map(raw).collect() })
}

fn raw((arn, value): &(String, f64)) -> Value {
    json!({ "reportArn": arn, "data": value.to_string() })
}

#[expect(clippy::cast_precision_loss, reason = "there are at most 100 values")]
fn stats(values: &[(String, f64)]) -> Option<Value> {
    let first = values.first()?.1;
    let fold = |with: fn(f64, f64) -> f64| values.iter().fold(first, |a, (_, b)| with(a, *b));
    let sum: f64 = values.iter().map(|(_, value)| value).sum();
    Some(json!({
        "average": (sum / values.len() as f64).to_string(),
        "max": fold(f64::max).to_string(),
        "min": fold(f64::min).to_string(),
    }))
}

fn figure(summary: &Value, field: &str) -> Option<f64> {
    let number = |name: &str| summary.get(name).and_then(Value::as_f64);
    match field {
        "TOTAL" => number("total"),
        "DURATION" => number("durationInNanoSeconds"),
        "PASS_RATE" => {
            let passed = summary.pointer("/statusCounts/SUCCEEDED").and_then(Value::as_f64)?;
            let total = number("total").filter(|total| *total > 0.0)?;
            Some(passed * 100.0 / total)
        }
        "LINE_COVERAGE" => number("lineCoveragePercentage"),
        "LINES_COVERED" => number("linesCovered"),
        "LINES_MISSED" => number("linesMissed"),
        "BRANCH_COVERAGE" => number("branchCoveragePercentage"),
        "BRANCHES_COVERED" => number("branchesCovered"),
        "BRANCHES_MISSED" => number("branchesMissed"),
        _ => None,
    }
}
