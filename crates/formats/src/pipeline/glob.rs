//! Glob patterns of trigger filters.
//!
//! User Guide, "Working with glob patterns in syntax": `*` stays within a folder, `**` crosses folders, `?` is one character,
//! `[a-z]` and `[!a]` are sets, `{a,b}` is a choice without nesting, `\` takes the next character as it is. `**/` is any number
//! of folders, none included, so `**/README.md` is the one at the top, too.

use std::fmt::Write as _;
use std::iter::Peekable;
use std::str::Chars;

use regex_automata::meta::Regex;

/// A pattern for the names of branches, tags and files.
#[derive(Clone, Debug)]
pub struct Glob {
    regex: Regex,
}

impl Glob {
    /// Reads a pattern; the error completes "the pattern ...".
    pub fn parse(pattern: &str) -> Result<Self, String> {
        let text = translate(pattern)?;
        Regex::new(&text).map(|regex| Glob { regex }).map_err(|_| "is not a valid glob".to_owned())
    }

    /// Whether the whole of `name` fits.
    pub fn matches(&self, name: &str) -> bool {
        self.regex.is_match(name)
    }
}

/// The same as a regular expression, which takes time linear in the name whatever the pattern.
fn translate(pattern: &str) -> Result<String, String> {
    let mut out = String::from(r"\A(?s:");
    let mut chars = pattern.chars().peekable();
    let (mut in_choice, mut choice_at_start, mut at_start) = (false, false, true);
    while let Some(c) = chars.next() {
        let begins_component = std::mem::replace(&mut at_start, c == '/');
        match c {
            '*' if chars.next_if_eq(&'*').is_some() => {
                while chars.next_if_eq(&'*').is_some() {}
                if begins_component && chars.next_if_eq(&'/').is_some() {
                    out.push_str("(?:.*/)?");
                    at_start = true;
                } else {
                    out.push_str(".*");
                }
            }
            '*' => out.push_str("[^/]*"),
            '?' => out.push_str("[^/]"),
            '[' => set(&mut chars, &mut out)?,
            '{' if in_choice => return Err("has a group within a group".to_owned()),
            '{' => {
                in_choice = true;
                (choice_at_start, at_start) = (begins_component, begins_component);
                out.push_str("(?:");
            }
            '}' if in_choice => {
                in_choice = false;
                out.push(')');
            }
            ',' if in_choice => {
                at_start = choice_at_start;
                out.push('|');
            }
            '\\' => literal(chars.next().ok_or("ends in a backslash")?, &mut out),
            c => literal(c, &mut out),
        }
    }
    if in_choice {
        return Err("has a group that is not closed".to_owned());
    }
    out.push_str(r")\z");
    Ok(out)
}

fn set(chars: &mut Peekable<Chars<'_>>, out: &mut String) -> Result<(), String> {
    let open = || "has a set that is not closed".to_owned();
    out.push_str(if chars.next_if_eq(&'!').is_some() { "[^/" } else { "[" });
    let mut empty = true;
    loop {
        let from = match chars.next().ok_or_else(open)? {
            ']' if empty => return Err("has an empty set".to_owned()),
            ']' => break,
            '/' => return Err("has a slash in a set".to_owned()),
            c => c,
        };
        // A hyphen that comes first stands for itself.
        let is_range = !(empty && from == '-') && chars.peek() == Some(&'-');
        empty = false;
        literal(from, out);
        if !is_range {
            continue;
        }
        chars.next();
        match chars.next().ok_or_else(open)? {
            ']' => {
                literal('-', out);
                break;
            }
            to if to < from => return Err(format!("has a range from '{from}' back to '{to}'")),
            to => {
                out.push('-');
                literal(to, out);
            }
        }
    }
    out.push(']');
    Ok(())
}

fn literal(c: char, out: &mut String) {
    if c.is_ascii_alphanumeric() {
        out.push(c);
    } else {
        let _ = write!(out, "\\x{{{:X}}}", u32::from(c));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn fits(pattern: &str, yes: &[&str], no: &[&str]) {
        let glob = Glob::parse(pattern).unwrap();
        for name in yes {
            assert!(glob.matches(name), "{pattern} must match {name}");
        }
        for name in no {
            assert!(!glob.matches(name), "{pattern} must not match {name}");
        }
    }

    #[test]
    fn one_star_stays_in_its_folder_and_two_cross_folders() {
        fits("feature/*", &["feature/a", "feature/"], &["feature/a/b", "feature", "a/feature/b"]);
        fits("feature/**", &["feature/a", "feature/a/b"], &["feature", "features/a"]);
        fits("feature**", &["feature", "features/a/b"], &["a/feature"]);
        fits("**", &["main", "a/b/c", ""], &[]);
        fits("*", &["main"], &["a/b"]);
        fits("projectA/**", &["projectA/src/x.rs"], &["projectB/x", "x/projectA/y"]);
    }

    #[test]
    fn two_stars_and_a_slash_are_any_number_of_folders() {
        fits("**/README.md", &["README.md", "a/README.md", "a/b/README.md"], &["a/README.md/x", "xREADME.md"]);
        fits("common/**/*.js", &["common/a.js", "common/x/y/a.js"], &["common.js", "common/a.ts"]);
    }

    #[test]
    fn sets_choices_and_escapes() {
        fits("v[0-9].?", &["v1.x"], &["vx.1", "v1./", "v12.x"]);
        fits("[!a-c]x", &["dx"], &["ax", "/x"]);
        fits("[-a]", &["-", "a"], &["b"]);
        fits("[a-]", &["-", "a"], &["b"]);
        fits("{**/a,docs/**}", &["a", "x/a", "docs/x/y"], &["docs", "xa"]);
        fits("*.{java,class}", &["A.java", "B.class"], &["A.jar", "a/A.java"]);
        fits(r"a\*b", &["a*b"], &["axb"]);
        fits("a.b+(c)|^$", &["a.b+(c)|^$"], &["axb+(c)|^$"]);
        fits("größe/*", &["größe/日本"], &["grösse/x"]);
    }

    #[test]
    fn a_pattern_that_cannot_be_read_says_why() {
        for (pattern, why) in [
            ("[a", "a set that is not closed"),
            ("[]", "an empty set"),
            ("[z-a]", "a range from 'z' back to 'a'"),
            ("{a,{b}}", "a group within a group"),
            ("{a", "a group that is not closed"),
            ("a\\", "ends in a backslash"),
        ] {
            let error = Glob::parse(pattern).unwrap_err();
            assert!(error.contains(why), "{pattern}: {error}");
        }
    }
}
