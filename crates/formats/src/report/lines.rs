//! The lines of one source file, eight bytes each.

use super::error::Fault;

const LINE_BITS: u32 = 24;
const BRANCH_BITS: u32 = 16;
/// A file with more lines is not source.
pub(super) const MAX_LINE: u64 = (1 << LINE_BITS) - 1;
const MAX_BRANCHES: u64 = (1 << BRANCH_BITS) - 1;

/// Lines with what is known of them: number, whether it was run, branches that were taken, branches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lines {
    packed: Vec<u64>,
    /// So many of them are sorted and unique.
    settled: usize,
}

/// One line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub number: u64,
    /// `None` when only its branches are known.
    pub covered: Option<bool>,
    pub branches_covered: u64,
    pub branches: u64,
}

impl Line {
    /// A line without branches.
    pub fn plain(number: u64, covered: bool) -> Self {
        Line { number, covered: Some(covered), branches_covered: 0, branches: 0 }
    }

    fn pack(self) -> u64 {
        let covered = match self.covered {
            None => 0,
            Some(false) => 1,
            Some(true) => 3,
        };
        let branches = self.branches.min(MAX_BRANCHES);
        // The number is highest, so that sorting sorts by it.
        (self.number << (64 - LINE_BITS))
            | (covered << (2 * BRANCH_BITS))
            | (self.branches_covered.min(branches) << BRANCH_BITS)
            | branches
    }

    fn unpack(packed: u64) -> Self {
        Line {
            number: packed >> (64 - LINE_BITS),
            covered: match (packed >> (2 * BRANCH_BITS)) & 3 {
                0 => None,
                1 => Some(false),
                _ => Some(true),
            },
            branches_covered: (packed >> BRANCH_BITS) & MAX_BRANCHES,
            branches: packed & MAX_BRANCHES,
        }
    }

    /// What two sources say of the same line: it was run when either has seen it run.
    fn or(self, other: Line) -> Line {
        Line {
            number: self.number,
            covered: match (self.covered, other.covered) {
                (None, covered) | (covered, None) => covered,
                (Some(a), Some(b)) => Some(a || b),
            },
            branches_covered: self.branches_covered.max(other.branches_covered),
            branches: self.branches.max(other.branches),
        }
    }
}

impl Lines {
    pub fn add(&mut self, line: Line) -> Result<(), Fault> {
        if line.number > MAX_LINE {
            return Err(Fault::limit(format!("a source file with {} lines is not read", line.number)));
        }
        self.packed.push(line.pack());
        // Lines that are told again and again do not add up.
        if self.packed.len() - self.settled > self.settled.max(1024) {
            self.settle();
        }
        Ok(())
    }

    pub fn merge(&mut self, mut other: Lines) {
        self.packed.append(&mut other.packed);
        self.settle();
    }

    pub fn settle(&mut self) {
        self.packed.sort_unstable();
        self.packed.dedup_by(|next, kept| {
            let (a, b) = (Line::unpack(*kept), Line::unpack(*next));
            let same = a.number == b.number;
            if same {
                *kept = a.or(b).pack();
            }
            same
        });
        self.settled = self.packed.len();
    }

    pub fn len(&self) -> usize {
        self.packed.len()
    }

    /// The lines; complete and unique after `settle`.
    pub fn iter(&self) -> impl Iterator<Item = Line> + '_ {
        self.packed.iter().map(|packed| Line::unpack(*packed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_told_twice_counts_once_and_is_covered_when_either_says_so() {
        let mut lines = Lines::default();
        for round in 0..5_000_u64 {
            lines.add(Line::plain(round % 10, round == 7)).unwrap();
        }
        lines.add(Line { number: 3, covered: None, branches_covered: 1, branches: 2 }).unwrap();
        lines.add(Line { number: 3, covered: Some(false), branches_covered: 0, branches: 2 }).unwrap();
        lines.settle();
        let all: Vec<Line> = lines.iter().collect();
        assert_eq!(all.len(), 10);
        assert_eq!(all[7], Line::plain(7, true));
        assert_eq!(all[3], Line { number: 3, covered: Some(false), branches_covered: 1, branches: 2 });
        assert!(lines.add(Line::plain(MAX_LINE + 1, true)).is_err());
    }
}
