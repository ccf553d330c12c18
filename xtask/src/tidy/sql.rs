//! SQL exists only in `store`.

use super::finding::Finding;
use super::source::SourceFile;

/// How a statement begins, and a word that must follow on the same line where the first word alone is plain English.
const STATEMENTS: [(&str, &str); 7] = [
    ("SELECT ", ""),
    ("INSERT INTO ", ""),
    ("DELETE FROM ", ""),
    ("UPDATE ", " SET "),
    ("CREATE TABLE", ""),
    ("DROP TABLE", ""),
    ("ALTER TABLE", ""),
];

/// Refuses statements in string literals, and sqlx, outside of `crates/store`.
pub fn check(file: &SourceFile) -> Vec<Finding> {
    let exempt = ["crates/store/", "xtask/src/tidy/"];
    if !file.is_rust() || exempt.iter().any(|folder| file.path.starts_with(folder)) {
        return Vec::new();
    }
    let is_sql = |line: &str| {
        line.contains("sqlx::")
            || line.split('"').skip(1).any(|literal| {
                STATEMENTS.iter().any(|(start, then)| literal.starts_with(start) && literal.contains(then))
            })
    };
    let found = file.code_lines().filter(|(_, line)| is_sql(line));
    found
        .map(|(line, text)| Finding {
            path: file.path.clone(),
            line,
            message: format!("SQL outside of store: {}", text.trim()),
            mend: "add a function to the table's file in crates/store/src/tables and call that",
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_found_only_outside_of_store() {
        let text = "let q = \"SELECT id FROM machine\";\nlet m = \"UPDATE the index\";\nuse sqlx::Row;\n";
        let lines: Vec<usize> =
            check(&SourceFile::new("crates/engine/src/a.rs", text)).iter().map(|f| f.line).collect();
        assert_eq!(lines, [1, 3]);
        assert_eq!(check(&SourceFile::new("crates/store/src/a.rs", text)), []);
    }
}
