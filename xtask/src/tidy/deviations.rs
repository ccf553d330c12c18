//! `docs/deviations.md` lists each place where we knowingly differ from AWS.

use super::finding::Finding;
use super::source::SourceFile;

/// The list.
pub const LIST: &str = "docs/deviations.md";
const MARK: &str = "Deviation:";

/// Holds the marks in the code against the list: each file as often in it as it has marks.
pub fn check(files: &[SourceFile], list: &SourceFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.path.starts_with("crates/") && file.is_rust()) {
        let marks = file.text.lines().filter(|line| line.trim_start().starts_with("//") && line.contains(MARK)).count();
        let listed = list.text.matches(&format!("`{}`", file.path)).count();
        if marks != listed {
            findings.push(Finding {
                path: file.path.clone(),
                line: 0,
                message: format!("{marks} times `{MARK}`, and {listed} times in {LIST}"),
                mend: "give each deviation one line in the list, with the file's path in backticks",
            });
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deviation_must_be_listed_and_the_list_must_not_outlive_it() {
        let marked = SourceFile::new("crates/a/src/a.rs", "//! Deviation: here.\nlet text = \"Deviation:\";\n");
        let plain = SourceFile::new("crates/a/src/b.rs", "");
        let list = |text| SourceFile::new(LIST, text);
        let files = [marked, plain];
        assert_eq!(check(&files, &list("`crates/a/src/a.rs`: here")), []);
        assert_eq!(check(&files, &list("")).len(), 1);
        assert_eq!(check(&files, &list("`crates/a/src/a.rs` and `crates/a/src/b.rs`")).len(), 1);
    }
}
