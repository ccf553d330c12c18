//! The build's reports: what they say, in short, and their files.

use base::ApiError;
use devtools::codebuild::{batch_get_reports, create_report_group, describe_test_cases};
use engine::build::BuildState;
use formats::report::ReportFormat;
use platform::Cx;
use serde_json::{Value, json};

use super::order::Order;
use super::project::{BUCKET, input};

/// Cases that did not succeed, shown by name; a report has the others.
const MOST_SHOWN: usize = 20;

/// One report.
#[derive(Clone, Debug)]
pub struct Told {
    /// The group as the buildspec names it.
    pub group: String,
    /// `Report` of the API.
    pub report: Value,
    /// `TestCase` of the API: those that failed.
    pub failed: Vec<Value>,
}

/// Makes the report groups that the buildspec names, so that their files are exported.
pub async fn groups(cx: &Cx, order: &Order) -> Result<(), ApiError> {
    let reports = order.buildspec.spec.iter().flat_map(|spec| &spec.reports);
    for report in reports.filter(|report| !report.is_arn()) {
        let Some(format) = ReportFormat::parse(report.file_format.name()) else { continue };
        let destination = json!({ "bucket": BUCKET, "path": "reports", "packaging": "ZIP" });
        let group = json!({
            "name": format!("{}-{}", order.name, report.group),
            "type": format.kind().name(),
            "exportConfig": { "exportConfigType": "S3", "s3Destination": destination },
        });
        create_report_group(cx, input(group)?).await?;
    }
    Ok(())
}

/// What the build's reports say.
pub async fn told(cx: &Cx, state: &BuildState) -> Result<Vec<Told>, ApiError> {
    let asked = batch_get_reports::Input { report_arns: state.facts.reports.clone() };
    let mut told = Vec::new();
    for report in batch_get_reports(cx, asked).await?.reports {
        let name = text(&report, "/name");
        let own = format!("{}-", state.request.project);
        let group = name.strip_prefix(&own).unwrap_or(&name).to_owned();
        let mut failed = Vec::new();
        if text(&report, "/type") == "TEST" {
            for status in ["FAILED", "ERROR"] {
                let asked =
                    json!({ "reportArn": report["arn"], "filter": { "status": status }, "maxResults": MOST_SHOWN });
                failed.extend(describe_test_cases(cx, input(asked)?).await?.test_cases);
            }
        }
        told.push(Told { group, report, failed });
    }
    Ok(told)
}

/// The objects with the reports' files: group and key.
pub fn exported(told: &[Told]) -> Vec<(String, String)> {
    let key = |told: &Told| {
        let arn = text(&told.report, "/arn");
        let destination = told.report.pointer("/exportConfig/s3Destination/bucket").and_then(Value::as_str);
        (destination == Some(BUCKET)).then(|| format!("reports/{}.zip", arn.rsplit(':').next().unwrap_or_default()))
    };
    told.iter().filter_map(|told| key(told).map(|key| (told.group.clone(), key))).collect()
}

impl Told {
    /// The report in a few lines: the figures, then what failed.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("report {}: {}", self.group, self.figures())];
        for case in self.failed.iter().take(MOST_SHOWN) {
            let suite = text(case, "/testSuiteName");
            let suite = if suite.is_empty() { suite } else { format!("{suite}: ") };
            let message = text(case, "/message");
            let message = message.lines().next().unwrap_or_default();
            let why = if message.is_empty() { String::new() } else { format!(": {message}") };
            lines.push(format!("   {} {suite}{}{why}", text(case, "/status"), text(case, "/name")));
        }
        if self.failed.len() > MOST_SHOWN {
            lines.push(format!("   and {} more", self.failed.len() - MOST_SHOWN));
        }
        lines
    }

    fn figures(&self) -> String {
        let number = |pointer: &str| self.report.pointer(pointer).and_then(Value::as_f64);
        if let Some(lines) = number("/codeCoverageSummary/lineCoveragePercentage") {
            let branches = number("/codeCoverageSummary/branchCoveragePercentage").unwrap_or_default();
            return format!("{lines:.1} % of lines, {branches:.1} % of branches");
        }
        if let Some(total) = number("/testSummary/total") {
            let counts = self.report.pointer("/testSummary/statusCounts").and_then(Value::as_object);
            let counts: Vec<String> = counts
                .into_iter()
                .flatten()
                .filter(|(_, count)| count.as_u64().is_some_and(|count| count > 0))
                .map(|(status, count)| format!("{count} {}", status.to_lowercase()))
                .collect();
            return format!(
                "{total} tests, {}",
                if counts.is_empty() { "none ran".to_owned() } else { counts.join(", ") }
            );
        }
        format!("{}: the log says why", text(&self.report, "/status"))
    }
}

fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(report: Value, failed: Vec<Value>) -> Told {
        Told { group: "unit".to_owned(), report, failed }
    }

    #[test]
    fn a_report_of_tests_is_its_counts_and_what_failed() {
        let summary = json!({ "total": 3, "statusCounts": { "SUCCEEDED": 2, "FAILED": 1, "SKIPPED": 0 } });
        let case =
            json!({ "status": "FAILED", "name": "adds", "testSuiteName": "sums", "message": "3 is not 4\nat line 1" });
        let lines = told(json!({ "status": "FAILED", "testSummary": summary }), vec![case]).lines();
        assert_eq!(lines, ["report unit: 3 tests, 1 failed, 2 succeeded", "   FAILED sums: adds: 3 is not 4"]);
    }

    #[test]
    fn a_report_of_coverage_is_its_percentages() {
        let summary = json!({ "lineCoveragePercentage": 66.666, "branchCoveragePercentage": 0.0 });
        let lines = told(json!({ "codeCoverageSummary": summary }), Vec::new()).lines();
        assert_eq!(lines, ["report unit: 66.7 % of lines, 0.0 % of branches"]);
    }

    #[test]
    fn a_report_that_could_not_be_read_says_where_the_reason_is() {
        let lines = told(json!({ "status": "INCOMPLETE" }), Vec::new()).lines();
        assert_eq!(lines, ["report unit: INCOMPLETE: the log says why"]);
    }
}
