//! TestNG's `testng-results.xml`. Set-up and tear-down methods are no test cases.

use super::cases::{CaseStatus, TestReport};
use super::duration;
use super::error::Fault;
use super::pending::Pending;
use super::xml::{Path, Tag, Visitor};

#[derive(Debug, Default)]
pub(super) struct TestNg {
    pub report: TestReport,
    suite: String,
    class: String,
    open: Option<Pending>,
}

impl Visitor for TestNg {
    fn open(&mut self, path: &Path, tag: &Tag<'_>) -> Result<(), Fault> {
        match path.last() {
            "suite" => self.suite = tag.text("name"),
            "class" => self.class = tag.text("name"),
            "test-method" if tag.text("is-config") != "true" => {
                let mut case = Pending::new(tag.text("name"), self.class.clone(), self.suite.clone());
                case.duration_nanos = duration::of_millis(&tag.text("duration-ms"));
                case.status = match tag.text("status").as_str() {
                    "PASS" => CaseStatus::Succeeded,
                    "FAIL" => CaseStatus::Failed,
                    "SKIP" => CaseStatus::Skipped,
                    _ => CaseStatus::Unknown,
                };
                self.open = Some(case);
            }
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, path: &Path, text: &str) {
        let Some(case) = &mut self.open else { return };
        if path.ends(&["exception", "message"]) {
            case.message(text);
        } else if path.ends(&["exception", "full-stacktrace"]) {
            case.text(text);
        }
    }

    fn close(&mut self, path: &Path) -> Result<(), Fault> {
        if path.last() == "test-method"
            && let Some(case) = self.open.take()
        {
            self.report.add(case.done());
        }
        Ok(())
    }
}
