//! The printed table.

use std::time::Duration;

use anyhow::Result;

/// An answer may be a whole page.
const LONGEST_REASON: usize = 200;

/// What one column shows for a figure.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// A value, as printed.
    Value(String),
    /// Not measured, and why.
    Not(String),
    /// The peer has no such thing.
    Absent,
}

impl Cell {
    /// The value, or why there is none.
    pub fn of(outcome: Result<String>) -> Cell {
        match outcome {
            Ok(value) => Cell::Value(value),
            Err(error) => Cell::Not(format!("{error:#}")),
        }
    }
}

/// One line of the table.
pub struct Row {
    pub figure: String,
    pub ours: Cell,
    pub aim: &'static str,
    pub moto: Cell,
    pub buildbot: Cell,
}

/// Prints the table, then why cells are empty.
pub fn print(rows: &[Row]) {
    let mut reasons: Vec<String> = Vec::new();
    let mut shown = |cell: &Cell, who: &str, figure: &str| match cell {
        Cell::Value(value) => value.clone(),
        Cell::Absent => "-".to_owned(),
        Cell::Not(reason) => {
            let reason: String = reason.split_whitespace().collect::<Vec<_>>().join(" ");
            let short: String = reason.chars().take(LONGEST_REASON).collect();
            reasons.push(format!("{figure}, {who}: {short}"));
            format!("[{}]", reasons.len())
        }
    };
    let mut lines = vec![["figure", "ours", "aim", "moto_server", "buildbot"].map(str::to_owned)];
    for row in rows {
        lines.push([
            row.figure.clone(),
            shown(&row.ours, "ours", &row.figure),
            row.aim.to_owned(),
            shown(&row.moto, "moto_server", &row.figure),
            shown(&row.buildbot, "buildbot", &row.figure),
        ]);
    }
    let width =
        |column: usize| lines.iter().filter_map(|l| l.get(column)).map(|c| c.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..5).map(width).collect();
    for line in &lines {
        let cells: Vec<String> = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        println!("{}", cells.join(" | ").trim_end());
    }
    if !reasons.is_empty() {
        println!("\nNot measured:");
        for (number, reason) in reasons.iter().enumerate() {
            println!("[{}] {reason}", number + 1);
        }
    }
}

/// A time with three digits, `1.23 ms` say.
pub fn time(time: Duration) -> String {
    let micros = time.as_secs_f64() * 1e6;
    match micros {
        m if m < 1000.0 => format!("{m:.0} µs"),
        m if m < 10_000.0 => format!("{:.2} ms", m / 1e3),
        m if m < 1_000_000.0 => format!("{:.0} ms", m / 1e3),
        m => format!("{:.2} s", m / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_printed_in_the_unit_that_fits() {
        assert_eq!(time(Duration::from_micros(250)), "250 µs");
        assert_eq!(time(Duration::from_micros(2500)), "2.50 ms");
        assert_eq!(time(Duration::from_millis(120)), "120 ms");
        assert_eq!(time(Duration::from_millis(1234)), "1.23 s");
    }
}
