//! Counting, and the closing line.

use super::junit::Report;

/// What passed, failed and was skipped so far.
#[derive(Default)]
pub struct Tally {
    passed: usize,
    failed: Vec<String>,
    skipped: Vec<String>,
}

impl Tally {
    /// Counts one check that is not a test.
    pub fn check(&mut self, name: &str, passed: bool) {
        if passed {
            self.passed += 1;
        } else {
            self.failed.push(name.to_owned());
        }
    }

    /// Counts the tests of a report.
    pub fn tests(&mut self, report: &Report) {
        self.passed += report.passed;
        self.failed.extend(report.failed.iter().cloned());
        self.skipped.extend(report.skipped.iter().map(|(test, reason)| format!("{test}: {reason}")));
    }

    /// Lists failures and skips, prints the closing line on stdout, and tells whether all is well.
    pub fn close(&self) -> bool {
        for skip in &self.skipped {
            eprintln!("skipped: {skip}");
        }
        for failure in &self.failed {
            eprintln!("FAILED: {failure}");
        }
        println!("{}", self.closing_line());
        self.failed.is_empty()
    }

    fn closing_line(&self) -> String {
        format!("{} passed, {} failed, {} skipped", self.passed, self.failed.len(), self.skipped.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_and_tests_are_summed_in_one_line() {
        let mut tally = Tally::default();
        tally.check("fmt", true);
        tally.check("clippy", false);
        tally.tests(&Report {
            passed: 5,
            failed: vec!["store a_test".into()],
            skipped: vec![("git other".into(), "no network".into())],
        });
        assert_eq!(tally.closing_line(), "6 passed, 2 failed, 1 skipped");
        assert!(!tally.close());
    }
}
