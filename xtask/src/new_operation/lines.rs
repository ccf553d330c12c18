//! Puts a line into a sorted run of lines of its kind.

/// Inserts `line` before the first line of its kind that sorts after it, else behind the last of its kind. None when
/// there is no line of its kind, or when it is there already.
pub fn insert(text: &str, line: &str, is_of_its_kind: impl Fn(&str) -> bool) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let of_its_kind = |l: &&str| is_of_its_kind(l.trim());
    if lines.iter().any(|l| l.trim() == line.trim()) {
        return None;
    }
    let key = |line: &str| line.trim().trim_start_matches("pub ").to_owned();
    let behind = lines.iter().position(|l| of_its_kind(l) && key(l) > key(line));
    let at = behind.or_else(|| lines.iter().rposition(of_its_kind).map(|last| last + 1))?;
    let (before, after) = (lines.iter().take(at), lines.iter().skip(at));
    let all: Vec<&str> = before.copied().chain([line]).chain(after.copied()).collect();
    Some(all.join("\n") + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_finds_its_place() {
        let text = "//! Docs.\n\nmod a;\npub mod c;\n\npub use c::c;\n";
        let is_mod = |l: &str| l.trim_start_matches("pub ").starts_with("mod ");
        let with_b = insert(text, "pub mod b;", is_mod).unwrap();
        assert_eq!(with_b, "//! Docs.\n\nmod a;\npub mod b;\npub mod c;\n\npub use c::c;\n");
        let with_d = insert(text, "pub mod d;", is_mod).unwrap();
        assert_eq!(with_d, "//! Docs.\n\nmod a;\npub mod c;\npub mod d;\n\npub use c::c;\n");
        assert_eq!(insert(text, "mod a;", is_mod), None);
        assert_eq!(insert("//! Docs.\n", "mod a;", is_mod), None);
    }
}
