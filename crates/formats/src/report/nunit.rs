//! NUnit 2's XML: suites with `results`, cases with `executed`, `result` and `success`.

use super::cases::{CaseStatus, TestReport};
use super::duration;
use super::error::Fault;
use super::pending::{Pending, split_name};
use super::xml::{Path, Tag, Visitor};

#[derive(Debug, Default)]
pub(super) struct Nunit {
    pub report: TestReport,
    suites: Vec<String>,
    open: Option<Pending>,
}

impl Visitor for Nunit {
    fn open(&mut self, path: &Path, tag: &Tag<'_>) -> Result<(), Fault> {
        match path.last() {
            "test-suite" => self.suites.push(tag.text("name")),
            "test-case" => {
                let (prefix, name) = split_name(&tag.text("name"));
                let mut case = Pending::new(name, prefix, self.suites.last().cloned().unwrap_or_default());
                case.duration_nanos = duration::of_seconds(&tag.text("time"));
                case.status = status(tag);
                self.open = Some(case);
            }
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, path: &Path, text: &str) {
        let Some(case) = &mut self.open else { return };
        if path.ends(&["failure", "message"]) || path.ends(&["reason", "message"]) {
            case.message(text);
        } else if path.ends(&["failure", "stack-trace"]) {
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

fn status(tag: &Tag<'_>) -> CaseStatus {
    match tag.text("result").as_str() {
        "Success" => CaseStatus::Succeeded,
        "Failure" => CaseStatus::Failed,
        "Error" | "NotRunnable" | "Invalid" => CaseStatus::Error,
        "Ignored" | "Skipped" => CaseStatus::Skipped,
        // Before 2.5 there was no `result`.
        "" => match (tag.text("executed").as_str(), tag.text("success").as_str()) {
            ("False", _) => CaseStatus::Skipped,
            (_, "True") => CaseStatus::Succeeded,
            (_, "False") => CaseStatus::Failed,
            _ => CaseStatus::Unknown,
        },
        _ => CaseStatus::Unknown,
    }
}
