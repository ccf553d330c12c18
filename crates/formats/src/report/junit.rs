//! JUnit XML, as Surefire, Gradle, pytest, Jest, Go's converters and many more write it: no two the same.

use super::cases::{CaseStatus, TestReport};
use super::duration;
use super::error::Fault;
use super::pending::Pending;
use super::xml::{Path, Tag, Visitor};

#[derive(Debug, Default)]
pub(super) struct Junit {
    pub report: TestReport,
    /// Names of the open suites.
    suites: Vec<String>,
    open: Option<Pending>,
}

impl Visitor for Junit {
    fn open(&mut self, path: &Path, tag: &Tag<'_>) -> Result<(), Fault> {
        match (path.parent(), path.last()) {
            ("" | "testsuites" | "testsuite", "testsuite") => self.suites.push(tag.text("name")),
            ("testsuite" | "testsuites", "testcase") => {
                let suite = self.suites.last().cloned().unwrap_or_default();
                let prefix = tag.get("classname").filter(|c| !c.is_empty()).unwrap_or_else(|| suite.clone());
                let mut case = Pending::new(tag.text("name"), prefix, suite);
                case.duration_nanos = duration::of_seconds(&tag.text("time"));
                // Of GoogleTest.
                if matches!(tag.text("status").as_str(), "notrun" | "skipped" | "disabled") {
                    case.status = CaseStatus::Skipped;
                }
                self.open = Some(case);
            }
            ("testcase", kind) => {
                let Some(case) = &mut self.open else { return Ok(()) };
                let status = match kind {
                    "failure" => CaseStatus::Failed,
                    "error" => CaseStatus::Error,
                    "skipped" => CaseStatus::Skipped,
                    _ => return Ok(()),
                };
                // A failure that was skipped over later is still a failure.
                if !matches!(case.status, CaseStatus::Failed | CaseStatus::Error) {
                    case.status = status;
                    case.message(&tag.get("message").or_else(|| tag.get("type")).unwrap_or_default());
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, path: &Path, text: &str) {
        if path.parent() == "testcase"
            && matches!(path.last(), "failure" | "error" | "skipped")
            && let Some(case) = &mut self.open
        {
            case.text(text);
        }
    }

    fn close(&mut self, path: &Path) -> Result<(), Fault> {
        match path.last() {
            "testcase" => {
                if let Some(case) = self.open.take() {
                    self.report.add(case.done());
                }
            }
            "testsuite" => {
                self.suites.pop();
            }
            _ => {}
        }
        Ok(())
    }
}
