//! Reads what libFuzzer says.

use std::fmt;
use std::path::PathBuf;

/// What a run came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Told {
    pub executions: u64,
    pub executions_per_second: u64,
    /// Edges of the program that were reached.
    pub covered: u64,
    /// Inputs that reach something that no other does.
    pub corpus: u64,
    /// Inputs that break a promise.
    pub findings: Vec<PathBuf>,
}

/// From libFuzzer's log.
pub fn read(log: &str) -> Told {
    let mut told = Told::default();
    for line in log.lines() {
        if let Some(rest) = line.strip_prefix("stat::") {
            let Some((name, value)) = rest.split_once(':') else { continue };
            let value = value.trim().parse().unwrap_or_default();
            match name {
                "number_of_executed_units" => told.executions = value,
                "average_exec_per_sec" => told.executions_per_second = value,
                _ => {}
            }
        } else if let Some((_, path)) = line.split_once("Test unit written to ") {
            told.findings.push(PathBuf::from(path.trim()));
        } else if line.starts_with('#') {
            let words: Vec<&str> = line.split_whitespace().collect();
            let after = |name: &str| words.iter().skip_while(|word| **word != name).nth(1).copied();
            let number = |text: &str| text.split('/').next().and_then(|n| n.parse().ok());
            told.covered = after("cov:").and_then(number).unwrap_or(told.covered);
            told.corpus = after("corp:").and_then(number).unwrap_or(told.corpus);
        }
    }
    told
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Told { executions, executions_per_second, covered, corpus, findings } = self;
        write!(
            f,
            "{executions} executions ({executions_per_second}/s), {covered} edges covered, {corpus} inputs kept, \
             {} findings",
            findings.len()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executions_coverage_and_findings_are_read_from_the_log() {
        let log = "INFO: Seed: 1\n#2\tINITED cov: 12 ft: 13 corp: 1/1b exec/s: 0 rss: 40Mb\n\
                   #4096\tNEW    cov: 345 ft: 600 corp: 17/1234b lim: 8 exec/s: 2048 rss: 50Mb L: 7/8 MS: 1 CopyPart-\n\
                   thread panicked\nartifact_prefix='/t/'; Test unit written to /t/crash-1\n\
                   stat::number_of_executed_units: 5000\nstat::average_exec_per_sec:     2500\n";
        let told = read(log);
        let findings = vec![PathBuf::from("/t/crash-1")];
        let expected = Told { executions: 5000, executions_per_second: 2500, covered: 345, corpus: 17, findings };
        assert_eq!(told, expected);
    }
}
