//! Covered lines and branches per file, and their sums.

use std::collections::BTreeMap;

use super::error::Fault;
use super::lines::Lines;

/// A report that names more files is not read.
const MAX_FILES: usize = 100_000;
/// A report that names more lines is not read; each takes eight bytes.
const MAX_LINES: usize = 8_000_000;
/// The length of a path, in bytes.
const MAX_PATH: usize = 4_096;

/// What was run of one source file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileCoverage {
    pub path: String,
    pub totals: CoverageTotals,
}

/// Counts of lines and branches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CoverageTotals {
    pub lines_covered: u64,
    pub lines_missed: u64,
    pub branches_covered: u64,
    pub branches_missed: u64,
}

impl CoverageTotals {
    /// Covered lines of all lines; 0 when there is none, as CodeBuild shows it.
    pub fn line_percentage(&self) -> f64 {
        percentage(self.lines_covered, self.lines_missed)
    }

    /// Taken branches of all branches; 0 when there is none.
    pub fn branch_percentage(&self) -> f64 {
        percentage(self.branches_covered, self.branches_missed)
    }

    /// The sum of both.
    pub fn plus(self, other: CoverageTotals) -> CoverageTotals {
        CoverageTotals {
            lines_covered: self.lines_covered + other.lines_covered,
            lines_missed: self.lines_missed + other.lines_missed,
            branches_covered: self.branches_covered + other.branches_covered,
            branches_missed: self.branches_missed + other.branches_missed,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of lines are far below 2^52")]
fn percentage(covered: u64, missed: u64) -> f64 {
    let total = covered + missed;
    if total == 0 { 0.0 } else { covered as f64 * 100.0 / total as f64 }
}

/// The files of one or more reports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CoverageReport {
    files: BTreeMap<String, Lines>,
    lines: usize,
}

impl CoverageReport {
    /// Adds what is known of a file, which may be nothing.
    pub(super) fn put(&mut self, path: &str, mut lines: Lines) -> Result<(), Fault> {
        let path = path.trim().replace('\\', "/").replace('\0', "");
        if path.is_empty() {
            return Err(Fault::format("a source file has no name"));
        }
        if path.len() > MAX_PATH {
            return Err(Fault::limit(format!("a source file's name is longer than {MAX_PATH} bytes")));
        }
        lines.settle();
        self.lines += lines.len();
        if self.lines > MAX_LINES {
            return Err(Fault::limit(format!("a coverage report with more than {MAX_LINES} lines is not read")));
        }
        self.files.entry(path).or_default().merge(lines);
        if self.files.len() > MAX_FILES {
            return Err(Fault::limit(format!("a coverage report with more than {MAX_FILES} files is not read")));
        }
        Ok(())
    }

    /// Adds what another report says; the same line of the same file counts once.
    pub fn merge(&mut self, other: CoverageReport) {
        for (path, lines) in other.files {
            self.files.entry(path).or_default().merge(lines);
        }
    }

    /// True when no file is named.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Every file by name.
    pub fn into_files(self) -> Vec<FileCoverage> {
        let totals = |mut lines: Lines| {
            lines.settle();
            let mut totals = CoverageTotals::default();
            for line in lines.iter() {
                match line.covered {
                    Some(true) => totals.lines_covered += 1,
                    Some(false) => totals.lines_missed += 1,
                    None => {}
                }
                totals.branches_covered += line.branches_covered;
                totals.branches_missed += line.branches - line.branches_covered;
            }
            totals
        };
        self.files.into_iter().map(|(path, lines)| FileCoverage { path, totals: totals(lines) }).collect()
    }
}
