//! How a build's reports get into the database: opened when the build begins to collect, closed with what was found.
//! Opening and closing again (after a crash) changes nothing else.

use std::time::Duration;

use base::Scope;
use formats::report::{CaseStatus, CoverageTotals, FileCoverage, ReportKind, TestCase, TestReport};
use serde_json::{Value, json};
use store::tables::{codebuild_coverage, codebuild_report, codebuild_report_group, codebuild_test_case};
use store::{Error, Tx};

use super::report::arn;
use super::report_group::{ReportExportConfig, check_name, name_in};

/// How long a report is kept.
const LIFE: Duration = Duration::from_secs(30 * 24 * 3600);

/// What a build wants to report.
#[derive(Clone, Debug)]
pub struct NewReport {
    /// What this report, and no other, comes of.
    pub key: String,
    pub project: String,
    /// The build's ARN.
    pub build: String,
    /// A group's ARN, or the part of its name behind the project's.
    pub group: String,
    pub kind: ReportKind,
}

/// A report that is being made.
#[derive(Clone, Debug)]
pub struct OpenReport {
    id: String,
    pub arn: String,
    /// Where its files are exported to.
    pub export: ReportExportConfig,
    row: codebuild_report::Row,
}

/// What a report holds.
#[derive(Clone, Debug)]
pub enum ReportContent {
    /// Test cases.
    Tests(TestReport),
    /// Source files.
    Coverage { totals: CoverageTotals, files: Vec<FileCoverage>, truncated: bool },
    /// It could not be completed.
    Incomplete,
}

/// Finds the group, makes it when the buildspec names it first, and begins a report. Or says, for the user, why not.
pub async fn open_report(tx: &mut Tx, scope: &Scope, new: &NewReport) -> Result<Result<OpenReport, String>, Error> {
    let name = match new.group.starts_with("arn:") {
        true => match name_in(scope, &new.group) {
            Some(name) => name.to_owned(),
            None => return Ok(Err(format!("{} is no report group of this account and region", new.group))),
        },
        false => format!("{}-{}", new.project, new.group),
    };
    let group = match codebuild_report_group::get(tx, scope, &name).await? {
        Some(group) => group,
        None if new.group.starts_with("arn:") => {
            return Ok(Err(format!("the report group {} does not exist", new.group)));
        }
        None => {
            if let Err(e) = check_name(&name) {
                return Ok(Err(format!("{name}: {}", e.message)));
            }
            let none = json!(ReportExportConfig::none());
            codebuild_report_group::insert(tx, scope, &name, new.kind.name(), &none, &json!([])).await?;
            match codebuild_report_group::get(tx, scope, &name).await? {
                Some(group) => group,
                None => return Ok(Err(format!("the report group {name} does not exist"))),
            }
        }
    };
    if group.kind != new.kind.name() {
        let (is, wanted) = (&group.kind, new.kind.name());
        return Ok(Err(format!("the report group {name} is of type {is}, and the files are of type {wanted}")));
    }
    let id = format!("{name}:{}", base::derived_uuid(&["codebuild-report", &new.key, &name]));
    let row = match codebuild_report::get(tx, scope, &id).await? {
        Some(row) => row,
        None => {
            let now = tx.now();
            let row = codebuild_report::Row {
                id: id.clone(),
                group: name,
                kind: group.kind,
                status: "GENERATING".to_owned(),
                build: new.build.clone(),
                export: group.export,
                truncated: false,
                summary: Value::Null,
                created: now,
                expires: now + LIFE,
            };
            codebuild_report::put(tx, scope, &row).await?;
            row
        }
    };
    let export = serde_json::from_value(row.export.clone()).unwrap_or_else(|_| ReportExportConfig::none());
    Ok(Ok(OpenReport { arn: arn(scope, &id), id, export, row }))
}

/// Completes a report with what it holds. One that was deleted meanwhile stays deleted.
pub async fn close_report(tx: &mut Tx, scope: &Scope, open: &OpenReport, content: &ReportContent) -> Result<(), Error> {
    if codebuild_report::get(tx, scope, &open.id).await?.is_none() {
        return Ok(());
    }
    let mut row = open.row.clone();
    match content {
        ReportContent::Incomplete => row.status = "INCOMPLETE".to_owned(),
        ReportContent::Tests(report) => {
            row.status = if report.has_failures() { "FAILED" } else { "SUCCEEDED" }.to_owned();
            row.truncated = report.is_truncated();
            let count = |status: CaseStatus| (status.name().to_owned(), json!(report.count(status)));
            let counts: serde_json::Map<String, Value> = CaseStatus::ALL.into_iter().map(count).collect();
            row.summary = json!({
                "total": report.total(),
                "statusCounts": counts,
                "durationInNanoSeconds": report.duration_nanos(),
            });
            let rows: Vec<_> = report.clone().into_cases().iter().map(case_row).collect();
            codebuild_test_case::replace(tx, scope, &open.id, &rows).await?;
        }
        ReportContent::Coverage { totals, files, truncated } => {
            row.status = "SUCCEEDED".to_owned();
            row.truncated = *truncated;
            row.summary = json!({
                "lineCoveragePercentage": totals.line_percentage(),
                "linesCovered": totals.lines_covered,
                "linesMissed": totals.lines_missed,
                "branchCoveragePercentage": totals.branch_percentage(),
                "branchesCovered": totals.branches_covered,
                "branchesMissed": totals.branches_missed,
            });
            let rows: Vec<_> = files.iter().map(file_row).collect();
            codebuild_coverage::replace(tx, scope, &open.id, &rows).await?;
        }
    }
    codebuild_report::put(tx, scope, &row).await
}

fn whole(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn case_row(case: &TestCase) -> codebuild_test_case::Row {
    codebuild_test_case::Row {
        name: case.name.clone(),
        prefix: case.prefix.clone(),
        suite: case.suite.clone(),
        status: case.status.name().to_owned(),
        duration_nanos: whole(case.duration_nanos),
        message: case.message.clone(),
        path: case.file.clone(),
    }
}

fn file_row(file: &FileCoverage) -> codebuild_coverage::Row {
    codebuild_coverage::Row {
        path: file.path.clone(),
        lines_covered: whole(file.totals.lines_covered),
        lines_missed: whole(file.totals.lines_missed),
        branches_covered: whole(file.totals.branches_covered),
        branches_missed: whole(file.totals.branches_missed),
    }
}

/// Removes reports whose time is over, in all accounts; gives how many went.
pub async fn sweep_reports(store: &store::Store) -> Result<u64, Error> {
    let mut gone = 0;
    loop {
        let swept = store.write(|tx| {
            Box::pin(async move {
                let mut swept = 0;
                for (account, region, id) in codebuild_report::expired(tx, 100).await? {
                    let (Some(account), Some(region)) =
                        (base::AccountId::parse(&account), base::Region::parse(&region))
                    else {
                        continue;
                    };
                    codebuild_report::delete(tx, &Scope { account, region }, &id).await?;
                    swept += 1;
                }
                Ok::<_, Error>(swept)
            })
        });
        let swept = swept.await?;
        gone += swept;
        if swept < 100 {
            return Ok(gone);
        }
    }
}
