//! Report groups and reports, on both databases.

use std::io::BufReader;

use base::{ApiError, Clock};
use formats::report::{CoverageTotals, FileCoverage, ReportFormat, ReportKind, read_tests};
use platform::Cx;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use store::testing::each_engine;

use super::tests::{machines, world};
use super::*;

fn of<T: DeserializeOwned>(input: Value) -> T {
    serde_json::from_value(input).unwrap()
}

async fn group(cx: &Cx, name: &str, kind: &str) -> Result<Value, ApiError> {
    let input = json!({ "name": name, "type": kind, "exportConfig": { "exportConfigType": "NO_EXPORT" } });
    create_report_group(cx, of(input)).await.map(|output| output.report_group)
}

fn new(key: &str, group: &str, kind: ReportKind) -> NewReport {
    NewReport {
        key: key.to_owned(),
        project: "demo".to_owned(),
        build: "arn:aws:codebuild:eu-west-1:123456789012:build/demo:1".to_owned(),
        group: group.to_owned(),
        kind,
    }
}

async fn open(cx: &Cx, new: NewReport) -> Result<OpenReport, String> {
    let scope = cx.scope().clone();
    let opened = cx.store.write(move |tx| {
        let (new, scope) = (new.clone(), scope.clone());
        Box::pin(async move { open_report(tx, &scope, &new).await })
    });
    opened.await.unwrap()
}

async fn close(cx: &Cx, open: &OpenReport, content: ReportContent) {
    let (scope, open) = (cx.scope().clone(), open.clone());
    let closed = cx.store.write(move |tx| {
        let (scope, open, content) = (scope.clone(), open.clone(), content.clone());
        Box::pin(async move { close_report(tx, &scope, &open, &content).await })
    });
    closed.await.unwrap();
}

fn cases(text: &str) -> ReportContent {
    let mut report = read_tests(ReportFormat::JunitXml, &mut BufReader::new(text.as_bytes())).unwrap();
    report.set_file("out/a.xml");
    ReportContent::Tests(report)
}

fn code(e: &ApiError) -> (&str, &str) {
    (e.code, e.message.as_str())
}

const ARN: &str = "arn:aws:codebuild:eu-west-1:123456789012:report-group/";

#[tokio::test]
async fn groups_are_made_changed_listed_and_removed() {
    each_engine(machines(), |test| async move {
        let w = world(test);
        let made = group(&w.cx, "unit", "TEST").await.unwrap();
        assert_eq!((&made["arn"], &made["status"]), (&json!(format!("{ARN}unit")), &json!("ACTIVE")));
        assert_eq!(made["exportConfig"], json!({ "exportConfigType": "NO_EXPORT" }));
        let again = group(&w.cx, "unit", "TEST").await.unwrap_err();
        assert_eq!(again.code, "ResourceAlreadyExistsException");
        for name in ["a", "a:b", "a/b", &"x".repeat(129)] {
            assert_eq!(group(&w.cx, name, "TEST").await.unwrap_err().code, "InvalidInputException", "{name}");
        }
        let s3 = json!({ "exportConfigType": "S3" });
        let change = json!({ "arn": format!("{ARN}unit"), "exportConfig": s3 });
        let refused = update_report_group(&w.cx, of(change)).await.unwrap_err();
        assert!(refused.message.contains("needs a destination with a bucket"), "{}", refused.message);
        let s3 = json!({ "exportConfigType": "S3", "s3Destination": { "bucket": "b", "path": "p" } });
        let change = json!({ "arn": format!("{ARN}unit"), "exportConfig": s3, "tags": [{ "key": "k", "value": "v" }] });
        let changed = update_report_group(&w.cx, of(change)).await.unwrap().report_group;
        let destination = json!({ "bucket": "b", "path": "p", "packaging": "NONE", "encryptionDisabled": false });
        assert_eq!(changed["exportConfig"]["s3Destination"], destination);
        group(&w.cx, "load", "TEST").await.unwrap();
        let first = list_report_groups(&w.cx, of(json!({ "maxResults": 1 }))).await.unwrap();
        assert_eq!(first.report_groups, [format!("{ARN}load")]);
        let next = json!({ "maxResults": 1, "nextToken": first.next_token });
        let second = list_report_groups(&w.cx, of(next)).await.unwrap();
        assert_eq!((second.report_groups, second.next_token), (vec![format!("{ARN}unit")], None));
        let wanted = json!({ "reportGroupArns": [format!("{ARN}unit"), format!("{ARN}none"), "x"] });
        let found = batch_get_report_groups(&w.cx, of(wanted)).await.unwrap();
        assert_eq!(found.report_groups, [changed]);
        assert_eq!(found.report_groups_not_found, [format!("{ARN}none"), "x".to_owned()]);
        delete_report_group(&w.cx, of(json!({ "arn": format!("{ARN}unit") }))).await.unwrap();
        delete_report_group(&w.cx, of(json!({ "arn": format!("{ARN}unit") }))).await.unwrap();
        assert_eq!(list_report_groups(&w.cx, of(json!({}))).await.unwrap().report_groups.len(), 1);
        let change = json!({ "arn": format!("{ARN}unit") });
        assert_eq!(update_report_group(&w.cx, of(change)).await.unwrap_err().code, "ResourceNotFoundException");
    })
    .await;
}

#[tokio::test]
async fn a_report_is_seen_while_it_is_made_and_counts_what_it_holds() {
    each_engine(machines(), |test| async move {
        let w = world(test);
        let report = open(&w.cx, new("k", "unit", ReportKind::Test)).await.unwrap();
        let again = open(&w.cx, new("k", "unit", ReportKind::Test)).await.unwrap();
        assert_eq!(report.arn, again.arn, "the same effect makes the same report");
        let show = || async {
            let wanted = json!({ "reportArns": [report.arn, "arn:aws:codebuild:eu-west-1:123456789012:report/x:1"] });
            let shown = batch_get_reports(&w.cx, of(wanted)).await.unwrap();
            assert_eq!(shown.reports_not_found.len(), 1);
            shown.reports.into_iter().next().unwrap()
        };
        let shown = show().await;
        assert_eq!((&shown["status"], &shown["name"]), (&json!("GENERATING"), &json!("demo-unit")));
        assert_eq!(shown["reportGroupArn"], json!(format!("{ARN}demo-unit")));
        let text = "<testsuite name='s'><testcase name='adds' classname='Cart' time='0.5'/>\
                    <testcase name='breaks' classname='Cart' time='0.25'><error message='boom'/></testcase>\
                    <testcase name='later' classname='Pay'><skipped/></testcase></testsuite>";
        for _ in 0..2 {
            close(&w.cx, &report, cases(text)).await;
        }
        let shown = show().await;
        assert_eq!((&shown["status"], &shown["truncated"]), (&json!("FAILED"), &json!(false)));
        let counts = json!({ "SUCCEEDED": 1, "FAILED": 0, "ERROR": 1, "SKIPPED": 1, "UNKNOWN": 0 });
        let summary = json!({ "total": 3, "statusCounts": counts, "durationInNanoSeconds": 750_000_000 });
        assert_eq!(shown["testSummary"], summary);
        let described = |filter: Value| {
            let input = json!({ "reportArn": report.arn, "filter": filter });
            let cx = w.cx.clone();
            async move {
                let found = describe_test_cases(&cx, of(input)).await.unwrap().test_cases;
                found.into_iter().map(|case| case["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
            }
        };
        assert_eq!(described(json!({})).await, ["adds", "breaks", "later"]);
        assert_eq!(described(json!({ "status": "ERROR" })).await, ["breaks"]);
        assert_eq!(described(json!({ "keyword": "Cart" })).await, ["adds", "breaks"]);
        let page = json!({ "reportArn": report.arn, "maxResults": 2 });
        let page = describe_test_cases(&w.cx, of(page)).await.unwrap();
        assert_eq!(page.test_cases[1]["message"], "boom");
        assert_eq!(page.test_cases[1]["testRawDataPath"], "out/a.xml");
        let next = json!({ "reportArn": report.arn, "maxResults": 2, "nextToken": page.next_token });
        assert_eq!(describe_test_cases(&w.cx, of(next)).await.unwrap().test_cases.len(), 1);
        let missing = json!({ "reportArn": "arn:aws:codebuild:eu-west-1:123456789012:report/x:1" });
        let e = describe_test_cases(&w.cx, of(missing)).await.unwrap_err();
        assert_eq!(e.code, "ResourceNotFoundException");
    })
    .await;
}

#[tokio::test]
async fn a_report_does_not_fit_every_group() {
    each_engine(machines(), |test| async move {
        let w = world(test);
        group(&w.cx, "cover", "CODE_COVERAGE").await.unwrap();
        let why = open(&w.cx, new("k", &format!("{ARN}cover"), ReportKind::Test)).await.unwrap_err();
        assert!(why.contains("is of type CODE_COVERAGE, and the files are of type TEST"), "{why}");
        let why = open(&w.cx, new("k", &format!("{ARN}none"), ReportKind::Test)).await.unwrap_err();
        assert!(why.contains("does not exist"), "{why}");
        let why = open(&w.cx, new("k", "arn:aws:s3:::b", ReportKind::Test)).await.unwrap_err();
        assert!(why.contains("is no report group"), "{why}");
        let why = open(&w.cx, new("k", "a b", ReportKind::Test)).await.unwrap_err();
        assert!(why.contains("Invalid report group name"), "{why}");
    })
    .await;
}

#[tokio::test]
async fn coverage_is_sorted_bounded_and_summed() {
    each_engine(machines(), |test| async move {
        let w = world(test);
        let report = open(&w.cx, new("k", "cover", ReportKind::CodeCoverage)).await.unwrap();
        let file = |path: &str, covered, missed| FileCoverage {
            path: path.to_owned(),
            totals: CoverageTotals { lines_covered: covered, lines_missed: missed, ..CoverageTotals::default() },
        };
        let files = vec![file("a.rs", 1, 3), file("b.rs", 4, 0), file("c.rs", 0, 2)];
        let totals = files.iter().fold(CoverageTotals::default(), |sum, file| sum.plus(file.totals));
        close(&w.cx, &report, ReportContent::Coverage { totals, files, truncated: false }).await;
        let shown = batch_get_reports(&w.cx, of(json!({ "reportArns": [report.arn] }))).await.unwrap();
        let summary = &shown.reports[0]["codeCoverageSummary"];
        assert_eq!((&summary["linesCovered"], &summary["lineCoveragePercentage"]), (&json!(5), &json!(50.0)));
        for (change, expected) in [
            (json!({}), vec!["a.rs", "b.rs", "c.rs"]),
            (json!({ "sortOrder": "DESCENDING" }), vec!["c.rs", "b.rs", "a.rs"]),
            (json!({ "sortBy": "LINE_COVERAGE_PERCENTAGE" }), vec!["c.rs", "a.rs", "b.rs"]),
            (json!({ "minLineCoveragePercentage": 25.0, "maxLineCoveragePercentage": 99.0 }), vec!["a.rs"]),
        ] {
            let mut input = change.clone();
            input["reportArn"] = json!(report.arn);
            let found = describe_code_coverages(&w.cx, of(input)).await.unwrap().code_coverages;
            let paths: Vec<_> = found.iter().map(|file| file["filePath"].as_str().unwrap()).collect();
            assert_eq!(paths, expected, "{change}");
        }
        let trend = json!({ "reportGroupArn": format!("{ARN}demo-cover"), "trendField": "LINE_COVERAGE" });
        let trend = get_report_group_trend(&w.cx, of(trend)).await.unwrap();
        assert_eq!(trend.stats, Some(json!({ "average": "50", "max": "50", "min": "50" })));
        let wrong = json!({ "reportGroupArn": format!("{ARN}demo-cover"), "trendField": "PASS_RATE" });
        let e = get_report_group_trend(&w.cx, of(wrong)).await.unwrap_err();
        assert_eq!(code(&e).0, "InvalidInputException");
    })
    .await;
}

#[tokio::test]
async fn a_trend_has_the_newest_completed_reports() {
    each_engine(machines(), |test| async move {
        let w = world(test);
        for (i, good) in [1_u32, 3, 2].into_iter().enumerate() {
            w.test.clock.advance(std::time::Duration::from_secs(60));
            let report = open(&w.cx, new(&format!("k{i}"), "unit", ReportKind::Test)).await.unwrap();
            let good = "<testcase name='a'/>".repeat(good as usize);
            let text = format!("<testsuite>{good}<testcase name='b'><failure/></testcase></testsuite>");
            close(&w.cx, &report, cases(&text)).await;
        }
        w.test.clock.advance(std::time::Duration::from_secs(60));
        let broken = open(&w.cx, new("k9", "unit", ReportKind::Test)).await.unwrap();
        close(&w.cx, &broken, ReportContent::Incomplete).await;
        let arn = format!("{ARN}demo-unit");
        let trend = json!({ "reportGroupArn": arn, "trendField": "PASS_RATE", "numOfReports": 3 });
        let trend = get_report_group_trend(&w.cx, of(trend)).await.unwrap();
        let data: Vec<f64> = trend.raw_data.iter().map(|d| d["data"].as_str().unwrap().parse().unwrap()).collect();
        assert_eq!(data.len(), 2);
        assert!((data[0] - 66.666).abs() < 0.001 && (data[1] - 75.0).abs() < 0.001, "{data:?}");
        let total = json!({ "reportGroupArn": arn, "trendField": "TOTAL" });
        let stats = get_report_group_trend(&w.cx, of(total)).await.unwrap().stats;
        assert_eq!(stats, Some(json!({ "average": "3", "max": "4", "min": "2" })));
        let list = json!({ "reportGroupArn": arn, "filter": { "status": "INCOMPLETE" } });
        let listed = list_reports_for_report_group(&w.cx, of(list)).await.unwrap().reports;
        assert_eq!(listed, std::slice::from_ref(&broken.arn));
        let all = list_reports(&w.cx, of(json!({ "sortOrder": "ASCENDING" }))).await.unwrap().reports;
        assert_eq!((all.len(), all.last()), (4, Some(&broken.arn)));
        let refused = delete_report_group(&w.cx, of(json!({ "arn": arn }))).await.unwrap_err();
        assert!(refused.message.contains("contains reports"), "{}", refused.message);
        delete_report(&w.cx, of(json!({ "arn": broken.arn }))).await.unwrap();
        delete_report_group(&w.cx, of(json!({ "arn": arn, "deleteReports": true }))).await.unwrap();
        assert!(list_reports(&w.cx, of(json!({}))).await.unwrap().reports.is_empty());
    })
    .await;
}

#[tokio::test]
async fn reports_expire_after_thirty_days() {
    each_engine(machines(), |test| async move {
        let w = world(test);
        let report = open(&w.cx, new("k", "unit", ReportKind::Test)).await.unwrap();
        close(&w.cx, &report, cases("<testsuite><testcase name='a'/></testsuite>")).await;
        let before = w.test.clock.now();
        w.test.clock.advance(std::time::Duration::from_secs(30 * 24 * 3600 - 1));
        assert_eq!(sweep_reports(&w.cx.store).await.unwrap(), 0);
        let shown = batch_get_reports(&w.cx, of(json!({ "reportArns": [report.arn] }))).await.unwrap();
        assert_eq!(shown.reports[0]["created"], json!(before));
        w.test.clock.advance(std::time::Duration::from_secs(1));
        let shown = batch_get_reports(&w.cx, of(json!({ "reportArns": [report.arn] }))).await.unwrap();
        assert_eq!(shown.reports_not_found, [report.arn]);
        assert_eq!(sweep_reports(&w.cx.store).await.unwrap(), 1);
        assert_eq!(sweep_reports(&w.cx.store).await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_badge_is_shown_to_whoever_knows_its_address() {
    each_engine(machines(), |test| async move {
        let w = world(test);
        let project = json!({
            "name": "demo",
            "source": { "type": "NO_SOURCE", "buildspec": "version: 0.2\nphases:\n  build:\n    commands: [true]\n" },
            "artifacts": { "type": "NO_ARTIFACTS" },
            "environment": { "type": "LINUX_CONTAINER", "image": "i", "computeType": "BUILD_GENERAL1_SMALL" },
            "serviceRole": "arn:aws:iam::123456789012:role/build",
            "badgeEnabled": true,
        });
        let made = create_project(&w.cx, of(project)).await.unwrap().project;
        assert!(made.get("badgeToken").is_none() && made.get("badgeEnabled").is_none(), "{made}");
        let url = made["badge"]["badgeRequestUrl"].as_str().unwrap().to_owned();
        let uuid = url.split("uuid=").nth(1).unwrap().split('&').next().unwrap().to_owned();
        let shown = |uuid: String| {
            let cx = w.cx.clone();
            async move { badge(&cx, &uuid, Some("main")).await.unwrap() }
        };
        assert!(shown(uuid.clone()).await.unwrap().contains("unknown"));
        start_build(&w.cx, of(json!({ "projectName": "demo" }))).await.unwrap();
        assert!(shown(uuid.clone()).await.unwrap().contains("in progress"));
        assert_eq!(shown(format!("{uuid}A")).await, None);
        assert_eq!(shown("WyJhIl0".to_owned()).await, None);
        let update = json!({ "name": "demo", "badgeEnabled": false });
        let changed = update_project(&w.cx, of(update)).await.unwrap().project;
        assert_eq!(changed["badge"], json!({ "badgeEnabled": false }));
        assert_eq!(shown(uuid.clone()).await, None);
        let update = json!({ "name": "demo", "badgeEnabled": true });
        let changed = update_project(&w.cx, of(update)).await.unwrap().project;
        assert_eq!(changed["badge"]["badgeRequestUrl"], json!(url), "the address stays");
    })
    .await;
}
