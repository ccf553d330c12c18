//! Documents name files; the files must exist.

use std::path::{Component, Path, PathBuf};

use super::finding::Finding;
use super::source::SourceFile;

/// What a name must end with to be taken for a file of this repository.
const EXTENSIONS: [&str; 10] = ["json", "md", "py", "rs", "sh", "snap", "sql", "toml", "txt", "yml"];
/// Names of files that are written in capitals; other words in capitals stand for something.
const CAPITALS: [&str; 4] = ["ARCHITECTURE", "LICENSE", "NOTICE", "README"];
const MEND: &str = "name the file as it is called now, from the repository's root or from crates/";

/// Refuses links and names in backticks of what is not there. `exists` answers for a path from the root.
pub fn check(document: &SourceFile, exists: &dyn Fn(&Path) -> bool) -> Vec<Finding> {
    let here = Path::new(&document.path).parent().unwrap_or(Path::new(""));
    let mut findings = Vec::new();
    let mut fenced = false;
    for (number, line) in document.text.lines().enumerate().map(|(i, line)| (i + 1, line)) {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        let missing_links = links(line).filter(|target| !exists(&normal(&here.join(target))));
        let missing_names = names(line).filter(|name| {
            [Path::new(""), Path::new("crates"), here].iter().all(|base| !exists(&normal(&base.join(name))))
        });
        for name in missing_links.chain(missing_names) {
            let message = format!("{name} does not exist");
            findings.push(Finding { path: document.path.clone(), line: number, message, mend: MEND });
        }
    }
    findings
}

/// Targets of `[text](target)` in this repository, without their fragment.
fn links(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| {
        let target = rest.split(')').next()?.split('#').next()?;
        (!target.is_empty() && !target.contains("://")).then_some(target)
    })
}

/// Names of files and folders in backticks.
fn names(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2).filter(|text| is_name(text))
}

fn is_name(text: &str) -> bool {
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
    let file = text.rsplit_once('.').is_some_and(|(_, extension)| EXTENSIONS.contains(&extension));
    plain
        && text.contains('/')
        && !text.starts_with(['/', '.'])
        && (file || text.ends_with('/'))
        && !text.split('/').any(stands_for_something)
}

/// `SERVICE`, `NNNN_name`: to be filled in by the reader.
fn stands_for_something(part: &str) -> bool {
    let capitals: String = part.chars().take_while(char::is_ascii_uppercase).collect();
    capitals.len() >= 4 && !CAPITALS.contains(&capitals.as_str())
}

fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                normal.pop();
            }
            Component::Normal(name) => normal.push(name),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_nothing_is_found_with_its_line() {
        let text = "See `store/src/advance.rs`, `docs/`, [more](docs/x.md#a), `https://a/b.md`, `src/SERVICE/x.rs`.\n\
                    ```\n`old/gone.rs`\n```\nThen `store/src/gone.rs`, `/etc/x.toml` and [none](gone.md).\n";
        let there = ["crates/store/src/advance.rs", "docs", "docs/x.md"];
        let exists = |path: &Path| there.iter().any(|name| Path::new(name) == path);
        let found = check(&SourceFile::new("README.md", text), &exists);
        let found: Vec<_> = found.iter().map(|f| (f.line, f.message.as_str())).collect();
        assert_eq!(found, [(5, "gone.md does not exist"), (5, "store/src/gone.rs does not exist")]);
    }

    #[test]
    fn a_link_is_read_from_the_document_that_has_it() {
        let document = SourceFile::new("docs/a.md", "[up](../README.md)");
        assert_eq!(check(&document, &|path| path == Path::new("README.md")), []);
    }
}
