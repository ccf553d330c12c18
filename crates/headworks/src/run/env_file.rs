//! Variables from files and from the command line.

use std::path::Path;

use crate::cli::CliError;

/// The variables of a file: `NAME=VALUE` a line; blank lines and lines that begin with `#` are skipped. Quotes are part of
/// the value, as with codebuild_build.sh.
pub fn read(path: &Path) -> Result<Vec<(String, String)>, CliError> {
    let text = std::fs::read_to_string(path)
        .map_err(|e| CliError::user(format!("cannot read the environment file {}: {e}", path.display())))?;
    parse(&text).map_err(|(line, why)| CliError::user(format!("{}:{line}: {why}", path.display())))
}

/// The error has the line's number.
fn parse(text: &str) -> Result<Vec<(String, String)>, (usize, String)> {
    let lines = text.strip_prefix('\u{feff}').unwrap_or(text).lines().enumerate();
    let wanted = lines.filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
    wanted
        .map(|(i, line)| match line.split_once('=') {
            Some((name, value)) => {
                let name = variable_name(name.trim()).map_err(|why| (i + 1, why))?;
                Ok((name, value.to_owned()))
            }
            None => Err((i + 1, format!("'{line}' is not NAME=VALUE"))),
        })
        .collect()
}

/// A variable of `--env`: `NAME=VALUE`, or `NAME` with the value that `own` has.
pub fn flag(text: &str, own: impl Fn(&str) -> Option<String>) -> Result<(String, String), CliError> {
    let bad = |why: String| CliError::user(format!("--env {why}"));
    match text.split_once('=') {
        Some((name, value)) => Ok((variable_name(name).map_err(bad)?, value.to_owned())),
        None => {
            let name = variable_name(text).map_err(bad)?;
            let value = own(&name).ok_or_else(|| {
                CliError::user(format!("--env {name}: this environment has no variable {name}"))
                    .hint(format!("give the value: --env {name}=VALUE"))
            })?;
            Ok((name, value))
        }
    }
}

/// The names that CodeBuild takes.
fn variable_name(name: &str) -> Result<String, String> {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if name.is_empty() || !plain || name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(format!("'{name}' is no name of a variable: letters, digits and _ make one, no digit first"));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_blank_lines_are_skipped_and_quotes_kept() {
        let read = parse("\u{feff}# a comment\r\n\r\nA=1\r\nB=\"two words\" # not a comment\nC=x=y\nD=\n").unwrap();
        let read: Vec<_> = read.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(read, [("A", "1"), ("B", "\"two words\" # not a comment"), ("C", "x=y"), ("D", "")]);
    }

    #[test]
    fn a_line_that_is_none_is_named_with_its_number() {
        assert_eq!(parse("A=1\nnonsense\n").unwrap_err(), (2, "'nonsense' is not NAME=VALUE".to_owned()));
        assert_eq!(parse("1A=1\n").unwrap_err().0, 1);
    }

    #[test]
    fn a_name_alone_takes_the_value_of_this_environment() {
        let own = |name: &str| (name == "HERE").then(|| "yes".to_owned());
        assert_eq!(flag("HERE", own).unwrap(), ("HERE".to_owned(), "yes".to_owned()));
        assert_eq!(flag("X=a b", own).unwrap(), ("X".to_owned(), "a b".to_owned()));
        assert!(flag("THERE", own).unwrap_err().to_string().contains("has no variable THERE"));
        assert!(flag("a-b=1", own).is_err());
    }
}
