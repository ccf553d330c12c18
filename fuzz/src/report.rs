//! Reports of every format.

use std::io::BufReader;

use formats::report::{
    CoverageTotals, MAX_CASES, ReadError, ReportFormat, ReportKind, detect, read_coverage, read_tests,
};

const NAMES: [&str; 4] = ["report.xml", "report.json", ".resultset.json", "lcov.info"];

/// The first byte chooses the format, the second how the file is cut into pieces; the rest is the file.
pub fn run(bytes: &[u8]) {
    let [choice, cut, file @ ..] = bytes else { return };
    let formats = ReportFormat::ALL;
    let Some(format) = formats.get(usize::from(*choice) % formats.len()).copied() else { return };
    let capacity = if *cut == 0 { 8192 } else { usize::from(*cut) };
    let mut input = BufReader::with_capacity(capacity, file);
    let error = match format.kind() {
        ReportKind::Test => match read_tests(format, &mut input) {
            Ok(report) => {
                let total = report.total();
                let _ = report.duration_nanos();
                let kept = report.into_cases().len();
                assert!(kept <= MAX_CASES && kept as u64 <= total);
                None
            }
            Err(error) => Some(error),
        },
        ReportKind::CodeCoverage => match read_coverage(format, &mut input) {
            Ok(report) => {
                let all = report.into_files().into_iter().map(|file| file.totals);
                let totals = all.fold(CoverageTotals::default(), CoverageTotals::plus);
                for percentage in [totals.line_percentage(), totals.branch_percentage()] {
                    assert!((0.0..=100.0).contains(&percentage), "{totals:?}");
                }
                None
            }
            Err(error) => Some(error),
        },
    };
    match error {
        None => {}
        Some(ReadError::Invalid(finding)) => {
            assert!(!finding.message.is_empty());
            let _ = finding.in_file("report").to_string();
        }
        Some(ReadError::Io(e)) => panic!("no disk is at fault here: {e}"),
    }
    for name in NAMES {
        let _ = detect(name, &mut BufReader::with_capacity(capacity, file));
    }
}

/// The bytes that make the target read this file as this format.
pub fn seed(format: ReportFormat, file: &[u8]) -> Vec<u8> {
    let place = ReportFormat::ALL.iter().position(|other| *other == format).and_then(|n| u8::try_from(n).ok());
    [&[place.unwrap_or_default(), 0], file].concat()
}
