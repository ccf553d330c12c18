//! Patterns with `*` for any characters; `\*` and `\\` stand for themselves.

/// A wildcard pattern: literal pieces with anything in between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wildcard {
    pieces: Vec<String>,
}

impl Wildcard {
    /// # Errors
    /// Two stars beside each other, or a backslash before anything but a star or a backslash.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let mut pieces = vec![String::new()];
        let mut characters = text.chars();
        let mut after_star = false;
        while let Some(c) = characters.next() {
            let literal = match c {
                '*' if after_star => return Err("Consecutive wildcard characters"),
                '*' => {
                    pieces.push(String::new());
                    after_star = true;
                    continue;
                }
                '\\' => characters.next().filter(|c| matches!(c, '*' | '\\')).ok_or("Invalid escape character")?,
                _ => c,
            };
            after_star = false;
            if let Some(last) = pieces.last_mut() {
                last.push(literal);
            }
        }
        Ok(Wildcard { pieces })
    }

    /// Each piece is looked for once, from left to right: the first place where one fits leaves most room for the others.
    pub fn matches(&self, text: &str) -> bool {
        let [first, between @ .., last] = self.pieces.as_slice() else {
            return self.pieces.first().is_some_and(|only| only == text);
        };
        let Some(mut rest) = text.strip_prefix(first.as_str()) else { return false };
        for piece in between {
            let Some((_, after)) = rest.split_once(piece.as_str()) else { return false };
            rest = after;
        }
        rest.ends_with(last.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_anything_and_escapes_for_themselves() {
        for (pattern, text, fits) in [
            ("dir/*.png", "dir/a/b.png", true),
            ("dir/*.png", "dir/.png", true),
            ("dir/*.png", "dir/a.jpg", false),
            ("*/lib/*", "/usr/lib/x", true),
            ("*/lib/*", "lib/x", false),
            ("a*a", "a", false),
            ("a*b*a", "abba", true),
            ("plain", "plain", true),
            ("plain", "plainer", false),
            ("*", "", true),
            (r"\*a\\*", r"*a\x", true),
            (r"\*a", "xa", false),
        ] {
            assert_eq!(Wildcard::parse(pattern).unwrap().matches(text), fits, "{pattern} {text}");
        }
        assert!(Wildcard::parse("a**b").unwrap_err().contains("Consecutive"));
        assert!(Wildcard::parse(r"a\b").unwrap_err().contains("escape"));
        assert!(Wildcard::parse("a\\").is_err());
    }
}
