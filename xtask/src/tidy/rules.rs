//! The list of rules.

use std::path::Path;

use anyhow::{Context, Result};

use super::finding::Finding;
use super::source::{self, SourceFile};
use super::{allow, arrows, dependencies, deviations, doc_paths, length, module_files, sql, todo, words};

type Rule = (&'static str, fn(&SourceFile) -> Vec<Finding>);

/// Rules that look at one file at a time.
const FILE_RULES: &[Rule] = &[
    ("length", length::check),
    ("allow", allow::check),
    ("todo", todo::check),
    ("sql", sql::check),
    ("module_files", module_files::check),
    ("dependencies", dependencies::check),
    ("words", words::check),
];

/// Checks everything and prints what is wrong. False when anything is.
pub fn run() -> Result<bool> {
    let files = source::all(&crate::workspace::root())?;
    let mut count = 0;
    for (name, rule) in FILE_RULES {
        count += files.iter().flat_map(rule).map(|finding| print(name, &finding)).count();
    }
    count += arrows::check(&arrows::of_workspace()?).iter().map(|finding| print("arrows", finding)).count();
    let root = crate::workspace::root();
    let documents = source::documents(&root)?;
    let exists = |path: &Path| root.join(path).exists();
    // Examples tell of what their builds make, which is not in the repository.
    for document in documents.iter().filter(|d| !d.path.starts_with("examples/")) {
        count += doc_paths::check(document, &exists).iter().map(|finding| print("doc_paths", finding)).count();
    }
    let list = documents.iter().find(|d| d.path == deviations::LIST).context("no list of deviations")?;
    count += deviations::check(&files, list).iter().map(|finding| print("deviations", finding)).count();
    eprintln!("tidy: {} files, {count} findings", files.len());
    Ok(count == 0)
}

fn print(rule: &str, finding: &Finding) {
    eprintln!("tidy[{rule}]: {finding}");
}
