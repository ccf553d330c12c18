//! A file that does not fit in a head is split.

use super::finding::Finding;
use super::source::SourceFile;

const MOST_LINES: usize = 1000;
/// A file whose module doc starts with this is data, not code.
const EXCEPTION: &str = "//! Table of data";

/// Refuses Rust files above 1,000 lines, tables of data excepted.
pub fn check(file: &SourceFile) -> Vec<Finding> {
    let lines = file.text.lines().count();
    if !file.is_rust() || lines <= MOST_LINES || file.text.starts_with(EXCEPTION) {
        return Vec::new();
    }
    vec![Finding {
        path: file.path.clone(),
        line: 0,
        message: format!("{lines} lines; {MOST_LINES} is the limit and 300 the aim"),
        mend: "split it by what its parts are about (a table of data says so: `//! Table of data: ...` as first line)",
    }]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_file_is_refused_unless_it_is_a_table() {
        let code = "fn f() {}\n".repeat(1001);
        assert_eq!(check(&SourceFile::new("a.rs", &code)).len(), 1);
        assert_eq!(check(&SourceFile::new("a.rs", &format!("{EXCEPTION}: codes\n{code}"))), []);
        assert_eq!(check(&SourceFile::new("a.rs", "fn f() {}\n")), []);
    }
}
