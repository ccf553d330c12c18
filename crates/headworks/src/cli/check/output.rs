//! What was found, as text and as JSON.

use formats::{Diagnostic, Severity};
use serde_json::{Value, json};

use super::kind::Kind;
use crate::cli::output::say;

/// A file and what was found in it, in its order.
pub(super) struct Checked {
    pub file: String,
    pub kind: Kind,
    pub diagnostics: Vec<Diagnostic>,
}

/// Errors before warnings, and a summary on stderr.
pub(super) fn text(checked: &[Checked]) {
    for severity in [Severity::Error, Severity::Warning] {
        for file in checked {
            for diagnostic in file.diagnostics.iter().filter(|d| d.severity == severity) {
                say(diagnostic.in_file(&file.file));
            }
        }
    }
    let (errors, warnings) = counts(checked);
    let plural = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
    let (errors, warnings) = (plural(errors, "error"), plural(warnings, "warning"));
    eprintln!("{errors} and {warnings} in {}", plural(checked.len(), "file"));
}

pub(super) fn json(checked: &[Checked]) -> Value {
    let (errors, warnings) = counts(checked);
    let files: Vec<Value> = checked
        .iter()
        .map(|file| {
            let found: Vec<Value> = file.diagnostics.iter().map(diagnostic).collect();
            json!({ "file": file.file, "kind": file.kind.name(), "diagnostics": found })
        })
        .collect();
    json!({ "files": files, "errors": errors, "warnings": warnings })
}

fn diagnostic(found: &Diagnostic) -> Value {
    json!({
        "code": found.code,
        "severity": word(found.severity),
        "message": found.message,
        "help": found.help,
        "line": found.span.line,
        "column": found.span.column,
    })
}

/// `error` or `warning`; SARIF has the same words.
pub(super) fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn counts(checked: &[Checked]) -> (usize, usize) {
    let all = checked.iter().flat_map(|file| &file.diagnostics);
    let (errors, warnings): (Vec<_>, Vec<_>) = all.partition(|d| d.is_error());
    (errors.len(), warnings.len())
}
