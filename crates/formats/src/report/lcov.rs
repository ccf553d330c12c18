//! LCOV's tracefile: records of lines that begin with two or more letters and a colon, each closed by `end_of_record`.

use std::collections::BTreeMap;
use std::io::{BufRead, Read};

use super::coverage::CoverageReport;
use super::error::{Fault, ReadError, from_io, malformed};
use super::lines::{Line, Lines, MAX_LINE};
use crate::Span;

/// A longer line is not of a tracefile.
const MAX_TEXT: u64 = 64 << 10;

const KEYS: &[&str] = &[
    "TN", "SF", "VER", "FN", "FNL", "FNA", "FNDA", "FNF", "FNH", "BRDA", "BRF", "BRH", "DA", "LF", "LH", "MCDC", "MCF",
    "MCH",
];

#[derive(Default)]
struct Record {
    path: String,
    lines: Lines,
    /// Branches that were taken and branches, by line.
    branches: BTreeMap<u64, (u64, u64)>,
}

/// Reads a tracefile.
pub(super) fn read(input: &mut dyn BufRead) -> Result<CoverageReport, ReadError> {
    let mut report = CoverageReport::default();
    let mut open: Option<Record> = None;
    let (mut at, mut text, mut records) = (Span { line: 0, column: 1 }, Vec::new(), 0_u64);
    loop {
        at.line = at.line.saturating_add(1);
        text.clear();
        let n = (&mut *input).take(MAX_TEXT).read_until(b'\n', &mut text).map_err(|e| from_io(at, e))?;
        if n == 0 {
            break;
        }
        if n as u64 == MAX_TEXT {
            return Err(Fault::format("this is no LCOVINFO: a line has more than 64 KiB").at(at));
        }
        let Ok(line) = std::str::from_utf8(&text) else { return Err(malformed(at, "the text is not UTF-8")) };
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if line == "end_of_record" {
            let Some(record) = open.take() else {
                return Err(Fault::format("'end_of_record' without a source file before it").at(at));
            };
            records += 1;
            close(&mut report, record).map_err(|fault| fault.at(at))?;
            continue;
        }
        let (key, value) = line.split_once(':').filter(|(key, _)| KEYS.contains(key)).ok_or_else(|| {
            let shown: String = line.chars().take(40).collect();
            Fault::format(format!("this is no LCOVINFO: '{shown}' is not known")).at(at)
        })?;
        match (key, &mut open) {
            ("SF", _) => open = Some(Record { path: value.to_owned(), ..Record::default() }),
            ("DA" | "BRDA", None) => {
                return Err(Fault::format(format!("'{key}' without a source file before it")).at(at));
            }
            ("DA", Some(record)) => {
                let mut parts = value.split(',');
                let number = whole(parts.next(), at)?;
                let hits: f64 = parts.next().and_then(|t| t.trim().parse().ok()).unwrap_or(0.0);
                record.lines.add(Line::plain(number, hits > 0.0)).map_err(|fault| fault.at(at))?;
            }
            ("BRDA", Some(record)) => {
                let mut parts = value.split(',');
                let number = whole(parts.next(), at)?.min(MAX_LINE);
                let taken = parts.next_back().is_some_and(|t| t.trim().parse::<f64>().is_ok_and(|n| n > 0.0));
                let entry = record.branches.entry(number).or_default();
                *entry = (entry.0 + u64::from(taken), entry.1 + 1);
            }
            _ => {}
        }
    }
    if open.is_some() {
        return Err(malformed(at, "the file ends before 'end_of_record'"));
    }
    if records == 0 {
        return Err(Fault::format("this is no LCOVINFO: it names no source file").at(at));
    }
    Ok(report)
}

fn close(report: &mut CoverageReport, mut record: Record) -> Result<(), Fault> {
    for (number, (branches_covered, branches)) in record.branches {
        record.lines.add(Line { number, covered: None, branches_covered, branches })?;
    }
    report.put(&record.path, record.lines)
}

fn whole(text: Option<&str>, at: Span) -> Result<u64, ReadError> {
    let text = text.unwrap_or_default().trim();
    text.parse().map_err(|_| malformed(at, format!("'{text}' is not a line's number")))
}
