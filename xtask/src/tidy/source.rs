//! The files that the rules look at: Rust sources and Cargo manifests of this workspace.

use std::path::Path;

use anyhow::{Context, Result};

/// A file with its text.
pub struct SourceFile {
    /// Path from the workspace's root, with `/`.
    pub path: String,
    /// The whole text.
    pub text: String,
}

impl SourceFile {
    /// A file for a rule's own test.
    #[cfg(test)]
    pub fn new(path: &str, text: &str) -> SourceFile {
        SourceFile { path: path.to_owned(), text: text.to_owned() }
    }

    /// Whether it is Rust source.
    pub fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// The last part of the path.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// Lines with their numbers, without those that are only a comment.
    pub fn code_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(i, line)| (i + 1, line)).filter(|(_, line)| {
            let line = line.trim_start();
            !line.starts_with("//")
        })
    }
}

/// Every Rust file and `Cargo.toml` below `root`, in the order of their paths.
pub fn all(root: &Path) -> Result<Vec<SourceFile>> {
    gather(root, |name| name.ends_with(".rs") || name == "Cargo.toml")
}

/// Every document below `root`, in the order of their paths.
pub fn documents(root: &Path) -> Result<Vec<SourceFile>> {
    gather(root, |name| name.ends_with(".md"))
}

fn gather(root: &Path, wanted: impl Fn(&str) -> bool) -> Result<Vec<SourceFile>> {
    let mut files = Vec::new();
    walk(root, root, &wanted, &mut files)?;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn walk(root: &Path, folder: &Path, wanted: &dyn Fn(&str) -> bool, files: &mut Vec<SourceFile>) -> Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let entry = entry?;
        let path = entry.path();
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if entry.file_type()?.is_dir() {
            if name != "target" && !name.starts_with('.') {
                walk(root, &path, wanted, files)?;
            }
        } else if wanted(&name) {
            let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let path = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            files.push(SourceFile { path, text });
        }
    }
    Ok(())
}
