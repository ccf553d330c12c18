//! Visual Studio's TRX: results name their test by an id; its class stands in a section of its own, before or after.

use std::collections::HashMap;

use super::cases::{CaseStatus, TestReport};
use super::duration;
use super::error::Fault;
use super::pending::{Pending, split_name};
use super::xml::{Path, Tag, Visitor};

/// Classes of so many tests are remembered.
const MAX_TESTS: usize = 50_000;

#[derive(Debug, Default)]
pub(super) struct Trx {
    report: TestReport,
    /// Open results, and whether each has inner ones, which count in its stead.
    open: Vec<(Pending, bool)>,
    /// A test's id to its class.
    classes: HashMap<String, String>,
    test: Option<String>,
    run: String,
}

impl Trx {
    /// The report, with classes as prefixes.
    pub fn done(mut self) -> TestReport {
        let classes = &self.classes;
        self.report.for_each(|case| {
            // Until here the prefix holds the id.
            if let Some(class) = classes.get(&case.prefix) {
                case.prefix = class.clone();
                let short = case.name.strip_prefix(class.as_str()).and_then(|rest| rest.strip_prefix('.'));
                if let Some(short) = short.map(str::to_owned) {
                    case.name = short;
                }
            } else {
                (case.prefix, case.name) = split_name(&case.name);
            }
        });
        self.report
    }
}

fn is_result(name: &str) -> bool {
    matches!(name, "UnitTestResult" | "TestResult" | "GenericTestResult" | "ManualTestResult")
}

impl Visitor for Trx {
    fn open(&mut self, path: &Path, tag: &Tag<'_>) -> Result<(), Fault> {
        match path.last() {
            "TestRun" => self.run = tag.text("name"),
            name if is_result(name) => {
                if let Some((_, has_inner)) = self.open.last_mut() {
                    *has_inner = true;
                }
                let mut case = Pending::new(tag.text("testName"), tag.text("testId"), self.run.clone());
                case.duration_nanos = duration::of_clock(&tag.text("duration"));
                case.status = match tag.text("outcome").as_str() {
                    // An absent outcome is the format's way to say "Error" of its first value.
                    "Passed" | "PassedButRunAborted" | "Completed" => CaseStatus::Succeeded,
                    "Failed" => CaseStatus::Failed,
                    "Error" | "Timeout" | "Aborted" | "" => CaseStatus::Error,
                    "NotExecuted" | "NotRunnable" | "Pending" => CaseStatus::Skipped,
                    _ => CaseStatus::Unknown,
                };
                self.open.push((case, false));
            }
            "UnitTest" => self.test = tag.get("id"),
            "TestMethod" => {
                // `Namespace.Class, Assembly, Version=...`
                let class = tag.text("className");
                let class = class.split(',').next().unwrap_or_default().trim();
                if let Some(id) = self.test.take()
                    && self.classes.len() < MAX_TESTS
                    && !class.is_empty()
                {
                    self.classes.insert(id, class.to_owned());
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, path: &Path, text: &str) {
        let Some((case, _)) = self.open.last_mut() else { return };
        if path.ends(&["Output", "ErrorInfo", "Message"]) {
            case.message(text);
        } else if path.ends(&["Output", "ErrorInfo", "StackTrace"]) {
            case.text(text);
        }
    }

    fn close(&mut self, path: &Path) -> Result<(), Fault> {
        if is_result(path.last())
            && let Some((case, has_inner)) = self.open.pop()
            && !has_inner
        {
            self.report.add(case.done());
        }
        Ok(())
    }
}
