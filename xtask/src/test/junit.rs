//! Reads the JUnit report that nextest writes: enough of it to count, and to find tests that skipped themselves.
//!
//! A test that cannot run on this machine returns early after printing `SKIPPED: reason`; to nextest it has passed.

/// What a report says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Tests that ran and passed.
    pub passed: usize,
    /// Tests that failed, by name.
    pub failed: Vec<String>,
    /// Tests that said that they skipped themselves or a part of themselves, with the reason.
    pub skipped: Vec<(String, String)>,
}

const MARK: &str = "SKIPPED: ";

/// Counts the test cases of a report. nextest stores the output of passing tests, too (`.config/nextest.toml`).
pub fn read(text: &str) -> Report {
    let mut report = Report::default();
    for case in text.split("<testcase ").skip(1) {
        let case = case.split("</testcase>").next().unwrap_or(case);
        let (head, body) = case.split_once('>').unwrap_or((case, ""));
        let body = if head.ends_with('/') { "" } else { body };
        let name = format!("{} {}", attribute(head, "classname"), attribute(head, "name"));
        let reason = body.lines().find_map(|line| line.split_once(MARK)).map(|(_, reason)| plain(reason));
        if body.contains("<failure") || body.contains("<error") {
            report.failed.push(name);
        } else if let Some(reason) = reason {
            report.skipped.push((name, reason));
        } else {
            report.passed += 1;
        }
    }
    report
}

fn attribute(head: &str, name: &str) -> String {
    let start = format!("{name}=\"");
    // A leading space, so that `name` is not found inside `classname`.
    let head = format!(" {head}");
    let value =
        head.split_once(&format!(" {start}")).and_then(|(_, rest)| rest.split_once('"')).map(|(value, _)| value);
    plain(value.unwrap_or("?"))
}

fn plain(text: &str) -> String {
    let text = text.split("</system-").next().unwrap_or(text).trim();
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="nextest-run" tests="4" failures="1" errors="0">
  <testsuite name="store" tests="3" disabled="0" errors="0" failures="1">
    <testcase name="rows::a_row_is_read_back" classname="store" timestamp="2026-01-01T00:00:00" time="0.010">
      <system-out>running 1 test
test ok</system-out>
    </testcase>
    <testcase name="each_engine" classname="store" time="0.010">
      <system-out>running 1 test
SKIPPED: HEADWORKS_TEST_POSTGRES is not set: &quot;setup&quot;</system-out>
    </testcase>
    <testcase name="broken" classname="store" time="0.010">
      <failure type="test failure">assertion failed</failure>
      <system-err>SKIPPED: not a reason to forget the failure</system-err>
    </testcase>
    <testcase name="silent" classname="git" time="0.010"/>
  </testsuite>
</testsuites>"#;

    #[test]
    fn tests_that_skip_themselves_are_not_counted_as_passed() {
        let report = read(SAMPLE);
        assert_eq!(report.passed, 2);
        assert_eq!(report.failed, ["store broken"]);
        let reason = "HEADWORKS_TEST_POSTGRES is not set: \"setup\"".to_owned();
        assert_eq!(report.skipped, [("store each_engine".to_owned(), reason)]);
    }
}
