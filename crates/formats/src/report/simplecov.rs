//! SimpleCov's JSON: `.resultset.json` (suites with a `coverage` of paths) and `coverage.json` (one `coverage`). A
//! line is a count, null when there is nothing to run, or "ignored".

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::coverage::CoverageReport;
use super::error::Fault;
use super::lines::{Line, Lines, MAX_LINE};

/// The document.
#[derive(Debug)]
pub(super) struct SimpleCov;

impl<'de> DeserializeSeed<'de> for SimpleCov {
    type Value = CoverageReport;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<CoverageReport, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for SimpleCov {
    type Value = CoverageReport;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of suites")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut suites: A) -> Result<CoverageReport, A::Error> {
        let report = RefCell::new(CoverageReport::default());
        let mut seen = false;
        while let Some(key) = suites.next_key::<String>()? {
            match key.as_str() {
                "coverage" => {
                    suites.next_value_seed(Paths(&report))?;
                    seen = true;
                }
                "meta" | "groups" | "total" | "errors" => {
                    suites.next_value::<IgnoredAny>()?;
                }
                _ => seen |= suites.next_value_seed(Suite(&report))?,
            }
        }
        if !seen {
            return Err(A::Error::custom("no suite has a 'coverage'"));
        }
        Ok(report.into_inner())
    }
}

fn refused<E: Error>(fault: Fault) -> E {
    E::custom(fault.message)
}

/// One suite; true when it has a `coverage`.
struct Suite<'a>(&'a RefCell<CoverageReport>);

impl<'de> DeserializeSeed<'de> for Suite<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<bool, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Suite<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a suite with a 'coverage'")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<bool, A::Error> {
        let mut seen = false;
        while let Some(key) = members.next_key::<String>()? {
            if key == "coverage" {
                members.next_value_seed(Paths(self.0))?;
                seen = true;
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(seen)
    }
}

/// Paths and what was run of them.
struct Paths<'a>(&'a RefCell<CoverageReport>);

impl<'de> DeserializeSeed<'de> for Paths<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Paths<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of paths")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut paths: A) -> Result<(), A::Error> {
        while let Some(path) = paths.next_key::<String>()? {
            let File(lines) = paths.next_value()?;
            self.0.borrow_mut().put(&path, lines).map_err(refused)?;
        }
        Ok(())
    }
}

/// A file's lines; before 0.18 a bare list.
struct File(Lines);

impl<'de> Deserialize<'de> for File {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(FileVisitor)
    }
}

struct FileVisitor;

impl<'de> Visitor<'de> for FileVisitor {
    type Value = File;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a file's lines")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut hits: A) -> Result<File, A::Error> {
        let (mut lines, mut number) = (Lines::default(), 0);
        while let Some(hit) = hits.next_element::<Hits>()? {
            number += 1;
            if let Hits(Some(count)) = hit {
                lines.add(Line::plain(number, count > 0)).map_err(refused)?;
            }
        }
        Ok(File(lines))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<File, A::Error> {
        let mut all = Lines::default();
        while let Some(key) = members.next_key::<String>()? {
            match key.as_str() {
                "lines" => {
                    let File(lines) = members.next_value()?;
                    all.merge(lines);
                }
                "branches" => {
                    let Branches(branches) = members.next_value()?;
                    for (number, (branches_covered, branches)) in branches {
                        all.add(Line { number, covered: None, branches_covered, branches }).map_err(refused)?;
                    }
                }
                _ => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(File(all))
    }
}

/// How often a line was run; nothing when it cannot be run.
struct Hits(Option<u64>);

impl<'de> Deserialize<'de> for Hits {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(HitsVisitor)
    }
}

struct HitsVisitor;

impl Visitor<'_> for HitsVisitor {
    type Value = Hits;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a count, null or \"ignored\"")
    }

    fn visit_unit<E>(self) -> Result<Hits, E> {
        Ok(Hits(None))
    }

    fn visit_u64<E>(self, count: u64) -> Result<Hits, E> {
        Ok(Hits(Some(count)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Hits, E> {
        match text {
            "ignored" => Ok(Hits(None)),
            other => Err(E::invalid_value(serde::de::Unexpected::Str(other), &self)),
        }
    }
}

/// Branches that were taken and branches, by line.
struct Branches(BTreeMap<u64, (u64, u64)>);

impl<'de> Deserialize<'de> for Branches {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(BranchesVisitor)
    }
}

struct BranchesVisitor;

impl<'de> Visitor<'de> for BranchesVisitor {
    type Value = Branches;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("branches")
    }

    /// `{"[:if, 0, 3, 4, 5, 7]": {"[:then, 1, 4, 6, 4, 10]": 1, "[:else, 2, 3, 4, 5, 7]": 0}}`; the third is the line.
    fn visit_map<A: MapAccess<'de>>(self, mut conditions: A) -> Result<Branches, A::Error> {
        let mut found = BTreeMap::new();
        while let Some(condition) = conditions.next_key::<String>()? {
            let line = condition.split(',').nth(2).and_then(|n| n.trim().parse().ok()).unwrap_or(0_u64);
            let Taken(covered, all) = conditions.next_value()?;
            let entry: &mut (u64, u64) = found.entry(line.min(MAX_LINE)).or_default();
            *entry = (entry.0 + covered, entry.1 + all);
        }
        Ok(Branches(found))
    }

    /// `[{"type": "then", "start_line": 4, "coverage": 1}]`.
    fn visit_seq<A: SeqAccess<'de>>(self, mut branches: A) -> Result<Branches, A::Error> {
        let mut found = BTreeMap::new();
        while let Some(Branch { start_line, coverage }) = branches.next_element()? {
            if let Hits(Some(count)) = coverage {
                let entry: &mut (u64, u64) = found.entry(start_line.min(MAX_LINE)).or_default();
                *entry = (entry.0 + u64::from(count > 0), entry.1 + 1);
            }
        }
        Ok(Branches(found))
    }
}

#[derive(Deserialize)]
struct Branch {
    start_line: u64,
    coverage: Hits,
}

/// How many branches of a condition were taken, and how many there are.
struct Taken(u64, u64);

impl<'de> Deserialize<'de> for Taken {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(TakenVisitor)
    }
}

struct TakenVisitor;

impl<'de> Visitor<'de> for TakenVisitor {
    type Value = Taken;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("branches with their counts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut branches: A) -> Result<Taken, A::Error> {
        let mut taken = Taken(0, 0);
        while let Some((_, Hits(count))) = branches.next_entry::<IgnoredAny, Hits>()? {
            taken = Taken(taken.0 + u64::from(count.is_some_and(|n| n > 0)), taken.1 + 1);
        }
        Ok(taken)
    }
}
