//! What is not built answers with an error that names it; it does not panic.

use super::finding::Finding;
use super::source::SourceFile;

/// In pieces, so that this file does not find itself.
const MACROS: [&str; 2] = [concat!("todo", "!("), concat!("unimplemented", "!(")];

/// Refuses placeholders that would panic.
pub fn check(file: &SourceFile) -> Vec<Finding> {
    if !file.is_rust() {
        return Vec::new();
    }
    let found = file.code_lines().filter_map(|(line, text)| Some((line, MACROS.iter().find(|m| text.contains(**m))?)));
    found
        .map(|(line, name)| Finding {
            path: file.path.clone(),
            line,
            message: format!("`{})` is a promise, not code", name),
            mend: "build it, or answer with an error that names what is missing",
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_placeholder_is_refused() {
        let text = format!("fn a() {{\n    {})\n}}\n", MACROS[0]);
        assert_eq!(check(&SourceFile::new("a.rs", &text)).first().map(|f| f.line), Some(2));
        assert_eq!(check(&SourceFile::new("a.rs", "// todo: later\nfn a() {}\n")), []);
    }
}
