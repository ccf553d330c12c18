//! A silenced lint says why, and is noticed when it is no longer needed.

use super::finding::Finding;
use super::source::SourceFile;

/// Refuses `#[allow(..)]` and `#[expect(..)]` without a reason.
pub fn check(file: &SourceFile) -> Vec<Finding> {
    if !file.is_rust() {
        return Vec::new();
    }
    let mut findings = Vec::new();
    let mut lines = file.code_lines().peekable();
    while let Some((number, line)) = lines.next() {
        let code = line.trim_start();
        let attribute = code.strip_prefix("#![").or_else(|| code.strip_prefix("#["));
        let Some(attribute) = attribute else { continue };
        let message = if attribute.starts_with("allow(") {
            "a lint is allowed"
        } else if attribute.starts_with("expect(") {
            let mut whole = attribute.to_owned();
            while !whole.contains(']') {
                let Some((_, next)) = lines.next() else { break };
                whole.push_str(next);
            }
            if whole.contains("reason") {
                continue;
            }
            "a lint is expected without a reason"
        } else {
            continue;
        };
        findings.push(Finding {
            path: file.path.clone(),
            line: number,
            message: message.to_owned(),
            mend: "write `#[expect(lint, reason = \"...\")]`, or follow the lint",
        });
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lint_is_silenced_only_with_a_reason() {
        let text = "#[allow(dead_code)]\nfn a() {}\n#[expect(dead_code)]\nfn b() {}\n";
        let lines: Vec<usize> = check(&SourceFile::new("a.rs", text)).iter().map(|f| f.line).collect();
        assert_eq!(lines, [1, 3]);
        let text = "#[expect(\n    dead_code,\n    reason = \"used by the next change\"\n)]\nfn a() {}\n";
        assert_eq!(check(&SourceFile::new("a.rs", text)), []);
    }
}
