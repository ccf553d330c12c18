//! NUnit 3's XML: `test-run`, suites in suites, cases with `result` and `label`.

use super::cases::{CaseStatus, TestReport};
use super::duration;
use super::error::Fault;
use super::pending::{Pending, split_name};
use super::xml::{Path, Tag, Visitor};

#[derive(Debug, Default)]
pub(super) struct Nunit3 {
    pub report: TestReport,
    suites: Vec<String>,
    open: Option<Pending>,
}

impl Visitor for Nunit3 {
    fn open(&mut self, path: &Path, tag: &Tag<'_>) -> Result<(), Fault> {
        match path.last() {
            "test-suite" => self.suites.push(tag.text("name")),
            "test-case" => {
                let class = tag.get("classname").filter(|c| !c.is_empty());
                let prefix = class.unwrap_or_else(|| split_name(&tag.text("fullname")).0);
                let name = tag.get("name").unwrap_or_else(|| split_name(&tag.text("fullname")).1);
                let mut case = Pending::new(name, prefix, self.suites.last().cloned().unwrap_or_default());
                case.duration_nanos = duration::of_seconds(&tag.text("duration"));
                case.status = match (tag.text("result").as_str(), tag.text("label").as_str()) {
                    ("Passed", _) => CaseStatus::Succeeded,
                    ("Failed", "Error" | "Invalid" | "Cancelled") => CaseStatus::Error,
                    ("Failed", _) => CaseStatus::Failed,
                    ("Skipped", _) => CaseStatus::Skipped,
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
        if path.ends(&["test-case", "failure", "message"]) || path.ends(&["test-case", "reason", "message"]) {
            case.message(text);
        } else if path.ends(&["test-case", "failure", "stack-trace"]) {
            case.text(text);
        }
    }

    fn close(&mut self, path: &Path) -> Result<(), Fault> {
        match path.last() {
            "test-case" => {
                if let Some(case) = self.open.take() {
                    self.report.add(case.done());
                }
            }
            "test-suite" => {
                self.suites.pop();
            }
            _ => {}
        }
        Ok(())
    }
}
