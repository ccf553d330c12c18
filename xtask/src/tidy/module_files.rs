//! `mod.rs` and `lib.rs` are tables of contents.

use super::finding::Finding;
use super::source::SourceFile;

/// Refuses anything but docs, attributes, `mod` lines and re-exports.
pub fn check(file: &SourceFile) -> Vec<Finding> {
    if !matches!(file.name(), "mod.rs" | "lib.rs") {
        return Vec::new();
    }
    let mut findings = Vec::new();
    let mut open = false; // inside a `use` or an attribute that goes over several lines
    for (number, line) in file.code_lines() {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        let ends = |line: &str| line.ends_with(';') || line.ends_with(']');
        if open {
            open = !ends(line);
            continue;
        }
        if line.starts_with("#[") || line.starts_with("#![") {
            open = !line.ends_with(']');
        } else if is_listing(line) {
            open = !ends(line);
        } else {
            findings.push(Finding {
                path: file.path.clone(),
                line: number,
                message: format!("code in a table of contents: {line}"),
                mend: "move it to a file named after what it is, and re-export it here if others need it",
            });
            break;
        }
    }
    findings
}

fn is_listing(line: &str) -> bool {
    let line = line.strip_prefix("pub").map_or(line, |rest| match rest.strip_prefix('(') {
        Some(restricted) => restricted.split_once(')').map_or(rest, |(_, rest)| rest),
        None => rest,
    });
    let line = line.trim_start();
    line.starts_with("use ") || line.starts_with("extern crate ") || (line.starts_with("mod ") && line.ends_with(';'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_contents_holds_no_code() {
        let good =
            "//! Docs.\n#![cfg(test)]\n\nmod a;\npub mod b;\npub(crate) mod c;\npub use a::{\n    One,\n    Two,\n};\n";
        assert_eq!(check(&SourceFile::new("x/mod.rs", good)), []);
        for bad in ["mod a;\nfn f() {}\n", "mod tests {\n}\n", "pub struct S;\n", "pub const N: u8 = 1;\n"] {
            assert_eq!(check(&SourceFile::new("x/lib.rs", bad)).len(), 1, "{bad}");
        }
        assert_eq!(check(&SourceFile::new("x/main.rs", "fn main() {}\n")), []);
    }
}
