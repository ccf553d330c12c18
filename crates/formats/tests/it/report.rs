//! Reports as tools write them, and files that are none.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use formats::report::{
    CaseStatus, CoverageReport, CoverageTotals, ReadError, ReportFormat, ReportKind, TestCase, TestReport, detect,
    read_coverage, read_tests,
};
use proptest::prelude::*;

fn open(name: &str) -> BufReader<File> {
    // A small buffer, so that everything is cut somewhere.
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/report").join(name);
    BufReader::with_capacity(11, File::open(path).unwrap())
}

fn tests(format: ReportFormat, name: &str) -> TestReport {
    read_tests(format, &mut open(name)).unwrap_or_else(|e| panic!("{}", line(&e, name)))
}

fn coverage(format: ReportFormat, name: &str) -> CoverageReport {
    read_coverage(format, &mut open(name)).unwrap_or_else(|e| panic!("{}", line(&e, name)))
}

fn line(e: &ReadError, file: &str) -> String {
    match e {
        ReadError::Invalid(d) => d.in_file(file).to_string(),
        ReadError::Io(e) => panic!("{e}"),
    }
}

/// Succeeded, failed, error, skipped, unknown.
fn counts(report: &TestReport) -> [u64; 5] {
    CaseStatus::ALL.map(|status| report.count(status))
}

fn why(format: ReportFormat, text: &str) -> String {
    let mut input = text.as_bytes();
    let error = match format.kind() {
        ReportKind::Test => read_tests(format, &mut input).map(|_| ()),
        ReportKind::CodeCoverage => read_coverage(format, &mut input).map(|_| ()),
    };
    line(&error.unwrap_err(), "r")
}

fn brief(case: &TestCase) -> (&str, &str, &str, CaseStatus, u64) {
    (&case.suite, &case.prefix, &case.name, case.status, case.duration_nanos)
}

#[test]
fn junit_of_surefire() {
    let report = tests(ReportFormat::JunitXml, "surefire.xml");
    assert_eq!(counts(&report), [1, 1, 1, 1, 0]);
    assert_eq!((report.total(), report.duration_nanos()), (4, 1_502_000_000));
    let cases = report.into_cases();
    let class = "shop.CartTest";
    assert_eq!(brief(&cases[0]), (class, class, "adds <two> items", CaseStatus::Succeeded, 250_000_000));
    assert_eq!(
        cases[1].message,
        "org.opentest4j.AssertionFailedError: expected: <3> but was: <4>\n\tat \
         shop.CartTest.refusesNothing(CartTest.java:31)"
    );
    assert!(cases[2].message.starts_with("java.lang.NullPointerException\n\tat shop.Cart.load"));
    assert_eq!((cases[3].status, cases[3].message.as_str()), (CaseStatus::Skipped, "no printer"));
}

#[test]
fn junit_with_nested_suites_and_without_classes() {
    let report = tests(ReportFormat::JunitXml, "jest.xml");
    assert_eq!(counts(&report), [2, 0, 0, 1, 0]);
    assert_eq!(report.duration_nanos(), 1_002_600_000_000);
    let cases = report.into_cases();
    assert_eq!(brief(&cases[0]), ("inner", "inner", "is quick", CaseStatus::Succeeded, 1_002_500_000_000));
    assert_eq!(brief(&cases[1]), ("outer", "outer", "flaked once", CaseStatus::Succeeded, 100_000_000));
    assert_eq!(brief(&cases[2]), ("outer", "g", "gtest", CaseStatus::Skipped, 0));
}

#[test]
fn nunit_2() {
    let report = tests(ReportFormat::NunitXml, "nunit2.xml");
    assert_eq!(counts(&report), [1, 1, 1, 1, 1]);
    assert_eq!(report.duration_nanos(), 376_000_000);
    let cases = report.into_cases();
    let fixture = "Shop.Tests.CartTests";
    let first = ("CartTests", fixture, "Adds(1.5,\"a.b\")", CaseStatus::Succeeded, 125_000_000);
    assert_eq!(brief(&cases[0]), first);
    assert_eq!(
        cases[1].message,
        "Expected: 3\n  But was:  4\nat Shop.Tests.CartTests.Refuses() in CartTests.cs:line 31"
    );
    assert_eq!(cases[3].message, "not yet");
}

#[test]
fn nunit_3() {
    let report = tests(ReportFormat::Nunit3Xml, "nunit3.xml");
    assert_eq!(counts(&report), [1, 1, 1, 1, 1]);
    assert_eq!(report.duration_nanos(), 900_000_000);
    let cases = report.into_cases();
    assert_eq!(brief(&cases[0]), ("CartTests", "Shop.CartTests", "Adds(2)", CaseStatus::Succeeded, 500_000_000));
    assert_eq!(cases[1].message, "Expected: 3\nat Shop.CartTests.Refuses()");
    assert_eq!((cases[2].prefix.as_str(), cases[2].message.as_str()), ("Shop.CartTests", "boom"));
}

#[test]
fn testng_without_its_configuration_methods() {
    let report = tests(ReportFormat::TestngXml, "testng.xml");
    assert_eq!(counts(&report), [1, 1, 0, 1, 0]);
    assert_eq!(report.duration_nanos(), 290_000_000);
    let cases = report.into_cases();
    assert_eq!(brief(&cases[0]), ("shop", "shop.CartTest", "adds", CaseStatus::Succeeded, 250_000_000));
    assert!(cases[1].message.starts_with("java.lang.AssertionError: expected [3] but found [4]\n\tat"));
}

#[test]
fn visual_studio_with_classes_behind_the_results() {
    let report = tests(ReportFormat::VisualStudioTrx, "vstest.trx");
    assert_eq!(counts(&report), [2, 1, 1, 1, 1]);
    assert_eq!(report.duration_nanos(), 3_602_250_000_000);
    let cases = report.into_cases();
    let run = "ci@runner 2026-11-22";
    assert_eq!(brief(&cases[0]), (run, "Shop.CartTests", "Adds", CaseStatus::Succeeded, 250_000_000));
    assert_eq!(cases[1].message, "Assert.Equal() Failure\nat Shop.CartTests.Refuses() in CartTests.cs:line 31");
    assert_eq!(brief(&cases[3]), (run, "Shop.CartTests", "Rows (2)", CaseStatus::Unknown, 300_000_000));
    assert_eq!(brief(&cases[4]), (run, "Other.Class", "Later", CaseStatus::Skipped, 0));
}

#[test]
fn cucumber_scenarios_are_cases() {
    let report = tests(ReportFormat::CucumberJson, "cucumber.json");
    assert_eq!(counts(&report), [1, 1, 0, 1, 1]);
    let cases = report.into_cases();
    assert_eq!(brief(&cases[0]), ("features/cart.feature", "Cart", "adds", CaseStatus::Succeeded, 3_500_000));
    assert_eq!(brief(&cases[1]), ("features/cart.feature", "Cart", "refuses", CaseStatus::Failed, 1_500_010));
    assert_eq!(cases[1].message, "AssertionError: 3 != 4\n    at steps.js:7");
    assert_eq!(cases[2].message, "undefined: someday");
}

fn files(report: CoverageReport) -> Vec<(String, [u64; 4])> {
    let totals = |t: CoverageTotals| [t.lines_covered, t.lines_missed, t.branches_covered, t.branches_missed];
    report.into_files().into_iter().map(|file| (file.path, totals(file.totals))).collect()
}

fn named(list: &[(&str, [u64; 4])]) -> Vec<(String, [u64; 4])> {
    list.iter().map(|(path, counts)| ((*path).to_owned(), *counts)).collect()
}

#[test]
fn coverage_of_every_format() {
    for (format, name, expected) in [
        (
            ReportFormat::CloverXml,
            "clover.xml",
            named(&[("/src/cart.js", [3, 1, 1, 1]), ("/src/php/Cart.php", [1, 1, 2, 0])]),
        ),
        (
            ReportFormat::CoberturaXml,
            "cobertura.xml",
            named(&[("shop/__init__.py", [0; 4]), ("shop/cart.py", [4, 0, 3, 1]), ("shop/pay.py", [0, 1, 0, 0])]),
        ),
        (ReportFormat::JacocoXml, "jacoco.xml", named(&[("shop/cart/Cart.java", [2, 1, 3, 1])])),
        (
            ReportFormat::SimpleCov,
            "resultset.json",
            named(&[("/src/lib/cart.rb", [4, 0, 3, 1]), ("/src/lib/pay.rb", [0, 1, 0, 0])]),
        ),
        (ReportFormat::SimpleCov, "simplecov_coverage.json", named(&[("/src/lib/cart.rb", [1, 1, 1, 1])])),
        (ReportFormat::LcovInfo, "lcov.info", named(&[("src/cart.ts", [1, 1, 1, 1]), ("src/pay.ts", [1, 0, 0, 0])])),
    ] {
        assert_eq!(files(coverage(format, name)), expected, "{name}");
    }
}

#[test]
fn formats_are_told_from_the_beginning_of_a_file() {
    for (name, format) in [
        ("surefire.xml", Some(ReportFormat::JunitXml)),
        ("jest.xml", Some(ReportFormat::JunitXml)),
        ("nunit2.xml", Some(ReportFormat::NunitXml)),
        ("nunit3.xml", Some(ReportFormat::Nunit3Xml)),
        ("testng.xml", Some(ReportFormat::TestngXml)),
        ("vstest.trx", Some(ReportFormat::VisualStudioTrx)),
        ("cucumber.json", Some(ReportFormat::CucumberJson)),
        ("clover.xml", Some(ReportFormat::CloverXml)),
        ("cobertura.xml", Some(ReportFormat::CoberturaXml)),
        ("jacoco.xml", Some(ReportFormat::JacocoXml)),
        ("resultset.json", Some(ReportFormat::SimpleCov)),
        ("simplecov_coverage.json", None),
        ("lcov.info", Some(ReportFormat::LcovInfo)),
    ] {
        assert_eq!(detect(name, &mut open(name)), format, "{name}");
    }
    for (name, text) in [
        ("pom.xml", "<project/>"),
        ("report.xml", "<report><title/></report>"),
        ("broken.xml", "<testsuite"),
        ("package.json", "{\"name\": 1}"),
        ("a.txt", "<testsuite/>"),
    ] {
        assert_eq!(detect(name, &mut text.as_bytes()), None, "{name}");
    }
}

#[test]
fn percentages_are_of_all_and_nothing_is_none() {
    let totals = CoverageTotals { lines_covered: 3, lines_missed: 1, branches_covered: 0, branches_missed: 0 };
    assert_eq!((totals.line_percentage(), totals.branch_percentage()), (75.0, 0.0));
}

#[test]
fn names_of_formats_are_read_in_any_case() {
    assert_eq!(ReportFormat::parse("VisualStudioTrx"), Some(ReportFormat::VisualStudioTrx));
    assert_eq!(ReportFormat::parse("junit"), None);
    for format in ReportFormat::ALL {
        assert_eq!(ReportFormat::parse(format.name()), Some(format));
    }
}

#[test]
fn what_is_of_another_format_is_told_with_its_place_and_the_mend() {
    use ReportFormat as F;
    for (format, text, told) in [
        (F::JunitXml, "", "r:1:1: error[R002]: this is no JUNITXML: the file is empty"),
        (
            F::JunitXml,
            "<?xml version='1.0'?>\n<test-run/>",
            "r:2:1: error[R002]: this is no JUNITXML: the root element is <test-run>; write file-format: NUNIT3XML",
        ),
        (F::JunitXml, "<html></html>", "r:1:1: error[R002]: this is no JUNITXML: the root element is <html>"),
        (F::JunitXml, "<testsuite>\n<testcase>", "r:2:11: error[R001]: the file ends before </testcase>"),
        (
            F::JunitXml,
            "<testsuite>\n\n</testcase>",
            "r:3:12: error[R001]: expected `</testsuite>`, but `</testcase>` was found",
        ),
        (F::JunitXml, "{\"a\": 1}", "r:1:1: error[R002]: this is no JUNITXML: it does not begin with an element"),
        (
            F::CloverXml,
            "<coverage><packages/></coverage>",
            "r:1:11: error[R002]: this is no CLOVERXML: <coverage> holds packages and no project; write file-format: \
             COBERTURAXML",
        ),
        (
            F::CoberturaXml,
            "<coverage><project/></coverage>",
            "r:1:11: error[R002]: this is no COBERTURAXML: <coverage> holds a project and no packages; write \
             file-format: CLOVERXML",
        ),
        (F::SimpleCov, "{\"a\": {}}", "r:1:9: error[R002]: this is no SIMPLECOV: no suite has a 'coverage'"),
        (F::SimpleCov, "[1]", "r:1:0: error"),
        (
            F::CucumberJson,
            "[\n{\"name\": 1}]",
            "r:2:11: error[R002]: this is no CUCUMBERJSON: invalid type: integer `1`",
        ),
        (F::CucumberJson, "[\n{\"name\":", "r:2:8: error[R001]: EOF while parsing a value"),
        (F::CucumberJson, "<x/>", "r:1:1: error[R001]: expected value"),
        (F::LcovInfo, "SF:a\n<x/>", "r:2:1: error[R002]: this is no LCOVINFO: '<x/>' is not known"),
        (F::LcovInfo, "SF:a\nDA:x,1", "r:2:1: error[R001]: 'x' is not a line's number"),
        (F::LcovInfo, "SF:a\nDA:1,1\n", "r:3:1: error[R001]: the file ends before 'end_of_record'"),
    ] {
        let found = why(format, text);
        let told = told.replace(":1:0: error", ":1:1: error");
        assert!(found.starts_with(&told), "{format:?}: {found}\nexpected: {told}");
    }
}

#[test]
fn hostile_files_are_refused_in_bounded_memory() {
    use ReportFormat as F;
    assert!(why(F::JunitXml, &"<testsuite>".repeat(1000)).contains("nest deeper than 256"));
    assert!(why(F::CucumberJson, &"[".repeat(1_000_000)).contains("nest deeper than 100"));
    let attributes: String = (0..1000).map(|i| format!(" a{i}='1'")).collect();
    assert!(why(F::JunitXml, &format!("<testsuite{attributes}/>")).contains("more than 256 attributes"));
    let name = "n".repeat(5 << 20);
    assert!(why(F::JunitXml, &format!("<testsuite {name}='1'/>")).contains("longer than 4 MiB"));
    let bomb = "<!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'>]><testsuite name='&b;'>&b;</testsuite>";
    assert_eq!(read_tests(F::JunitXml, &mut bomb.as_bytes()).unwrap().total(), 0);
    let line = "<coverage><packages><package><classes><class filename='a'><lines><line number='99999999' hits='1'/>";
    assert!(why(F::CoberturaXml, line).contains("is not read"));
}

/// Test cases without end, each with an output of many kilobytes.
struct Endless {
    left: u64,
    piece: Vec<u8>,
    at: usize,
}

impl Read for Endless {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.at == self.piece.len() {
            if self.left == 0 {
                return Ok(0);
            }
            self.left -= 1;
            self.at = 0;
        }
        let n = self.piece[self.at..].as_ref().read(into)?;
        self.at += n;
        Ok(n)
    }
}

#[test]
fn a_long_report_is_counted_and_its_first_cases_are_kept() {
    let output = "x".repeat(100_000);
    let piece = format!("<testcase name='a' time='0.001'><failure>{output}</failure></testcase>").into_bytes();
    let at = piece.len();
    let body = BufReader::new(Endless { left: 200, piece, at });
    let mut input = BufReader::new("<testsuite>".as_bytes().chain(body).chain("</testsuite>".as_bytes()));
    let report = read_tests(ReportFormat::JunitXml, &mut input).unwrap();
    assert_eq!((report.total(), report.duration_nanos()), (200, 200_000_000));
    assert!(report.into_cases().iter().all(|case| case.message.len() == 5_000));
}

proptest! {
    #[test]
    fn no_text_makes_a_reader_panic(text in "[<>/a-f \"'=&;!\\[\\]{}:,0-9\\-\n]{0,200}", which in 0_usize..11) {
        let format = ReportFormat::ALL[which];
        let root = ["<testsuite>", "[{\"elements\":[", "<test-results>", "<test-run>", "<testng-results>", "<TestRun>",
            "<coverage>", "<coverage>", "<report>", "{\"a\":{\"coverage\":", "SF:a\n"][which];
        let whole = format!("{root}{text}");
        let _ = read_tests(format, &mut whole.as_bytes());
        let _ = read_coverage(format, &mut whole.as_bytes());
    }
}
