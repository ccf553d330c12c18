//! Test cases and their sums.

use std::collections::BTreeMap;

/// More than these are counted, but not kept.
/// Published with the statuses of a report: 500 results, failed ones first.
pub const MAX_CASES: usize = 500;

/// The length of a kept message, in characters.
const MAX_MESSAGE: usize = 5_000;
/// The length of a kept name, in characters.
const MAX_NAME: usize = 1_000;

/// How a test case ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CaseStatus {
    Succeeded,
    Failed,
    Error,
    Skipped,
    /// Anything else that a tool may say.
    Unknown,
}

impl CaseStatus {
    /// Every status.
    pub const ALL: [CaseStatus; 5] =
        [CaseStatus::Succeeded, CaseStatus::Failed, CaseStatus::Error, CaseStatus::Skipped, CaseStatus::Unknown];

    /// The status as the API spells it.
    pub fn name(self) -> &'static str {
        match self {
            CaseStatus::Succeeded => "SUCCEEDED",
            CaseStatus::Failed => "FAILED",
            CaseStatus::Error => "ERROR",
            CaseStatus::Skipped => "SKIPPED",
            CaseStatus::Unknown => "UNKNOWN",
        }
    }

    fn is_bad(self) -> bool {
        matches!(self, CaseStatus::Failed | CaseStatus::Error)
    }
}

/// One test case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestCase {
    pub name: String,
    /// What related cases share: a class, a feature.
    pub prefix: String,
    pub suite: String,
    pub status: CaseStatus,
    pub duration_nanos: u64,
    pub message: String,
    /// The file that tells of it; empty until [`TestReport::set_file`].
    pub file: String,
}

/// The cases of one or more files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TestReport {
    counts: BTreeMap<CaseStatus, u64>,
    duration_nanos: u64,
    /// With their places in the report.
    bad: Vec<(u64, TestCase)>,
    others: Vec<(u64, TestCase)>,
}

impl TestReport {
    pub(super) fn add(&mut self, mut case: TestCase) {
        let place = self.total();
        *self.counts.entry(case.status).or_default() += 1;
        self.duration_nanos = self.duration_nanos.saturating_add(case.duration_nanos);
        let kept = if case.status.is_bad() { &mut self.bad } else { &mut self.others };
        if kept.len() < MAX_CASES {
            for (text, limit) in [
                (&mut case.name, MAX_NAME),
                (&mut case.prefix, MAX_NAME),
                (&mut case.suite, MAX_NAME),
                (&mut case.message, MAX_MESSAGE),
            ] {
                cut(text, limit);
            }
            kept.push((place, case));
        }
    }

    /// Adds what another file holds, behind what is here.
    pub fn merge(&mut self, other: TestReport) {
        let offset = self.total();
        for (status, count) in other.counts {
            *self.counts.entry(status).or_default() += count;
        }
        self.duration_nanos = self.duration_nanos.saturating_add(other.duration_nanos);
        for (mine, theirs) in [(&mut self.bad, other.bad), (&mut self.others, other.others)] {
            let room = MAX_CASES.saturating_sub(mine.len());
            mine.extend(theirs.into_iter().take(room).map(|(place, case)| (offset + place, case)));
        }
    }

    /// Says which file tells of the cases.
    pub fn set_file(&mut self, name: &str) {
        self.for_each(|case| name.clone_into(&mut case.file));
    }

    /// Changes every case that is kept.
    pub(super) fn for_each(&mut self, mut change: impl FnMut(&mut TestCase)) {
        for (_, case) in self.bad.iter_mut().chain(&mut self.others) {
            change(case);
        }
    }

    /// How many cases there are, kept or not.
    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    /// How many cases ended in this way.
    pub fn count(&self, status: CaseStatus) -> u64 {
        self.counts.get(&status).copied().unwrap_or(0)
    }

    /// The sum of all durations.
    pub fn duration_nanos(&self) -> u64 {
        self.duration_nanos
    }

    /// True when there are more cases than are kept.
    pub fn is_truncated(&self) -> bool {
        self.total() > MAX_CASES as u64
    }

    /// True when a case failed or was in error.
    pub fn has_failures(&self) -> bool {
        self.count(CaseStatus::Failed) + self.count(CaseStatus::Error) > 0
    }

    /// The kept cases in the order of the files: at most [`MAX_CASES`], failed ones before others.
    pub fn into_cases(self) -> Vec<TestCase> {
        let mut kept = self.bad;
        let room = MAX_CASES.saturating_sub(kept.len());
        kept.extend(self.others.into_iter().take(room));
        kept.sort_by_key(|(place, _)| *place);
        kept.into_iter().map(|(_, case)| case).collect()
    }
}

/// Cuts to a number of characters, and takes out what a database cannot keep.
fn cut(text: &mut String, limit: usize) {
    if text.contains('\0') {
        *text = text.replace('\0', "");
    }
    if let Some((end, _)) = text.char_indices().nth(limit) {
        text.truncate(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(name: &str, status: CaseStatus) -> TestCase {
        TestCase {
            name: name.to_owned(),
            prefix: String::new(),
            suite: String::new(),
            status,
            duration_nanos: 1,
            message: String::new(),
            file: String::new(),
        }
    }

    #[test]
    fn failed_cases_come_before_others_when_there_are_too_many() {
        let mut report = TestReport::default();
        for i in 0..700 {
            report.add(case(&format!("ok {i}"), CaseStatus::Succeeded));
        }
        report.set_file("a.xml");
        let mut second = TestReport::default();
        for i in 0..200 {
            second.add(case(&format!("bad {i}"), CaseStatus::Failed));
        }
        report.merge(second);
        assert_eq!((report.total(), report.count(CaseStatus::Failed), report.duration_nanos()), (900, 200, 900));
        assert!(report.is_truncated() && report.has_failures());
        let kept = report.into_cases();
        assert_eq!(kept.len(), MAX_CASES);
        assert_eq!(kept.iter().filter(|c| c.status == CaseStatus::Failed).count(), 200);
        assert_eq!((kept[0].name.as_str(), kept[0].file.as_str()), ("ok 0", "a.xml"));
        assert_eq!((kept[499].name.as_str(), kept[499].file.as_str()), ("bad 199", ""));
    }

    #[test]
    fn texts_are_cut_between_characters() {
        let mut text = "ää\0ä".to_owned();
        cut(&mut text, 2);
        assert_eq!(text, "ää");
    }
}
