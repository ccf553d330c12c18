//! What a file is.

use std::path::Path;

use clap::ValueEnum;
use formats::yaml::{self, Node};

/// The kinds of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// How CodeBuild builds
    Buildspec,
    /// How CodeDeploy deploys
    Appspec,
    /// A pipeline's declaration
    Pipeline,
    /// A CloudFormation template
    Template,
    /// An Image Builder component
    Component,
}

impl Kind {
    /// As `--kind` takes it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Buildspec => "buildspec",
            Kind::Appspec => "appspec",
            Kind::Pipeline => "pipeline",
            Kind::Template => "template",
            Kind::Component => "component",
        }
    }
}

/// Looks at the content first: names like `codepipeline.yml` are given to files of any kind.
pub(super) fn guess(path: &Path, text: &str) -> Option<Kind> {
    match yaml::parse(text) {
        Ok((root, _)) => of_content(&root).or_else(|| of_name(path)),
        // What cannot be read still has lines that say what it was meant to be.
        Err(_) => text.lines().find_map(of_line).or_else(|| of_name(path)),
    }
}

fn of_line(line: &str) -> Option<Kind> {
    let (key, value) = line.split_once(':')?;
    let value = value.trim().trim_matches(['"', '\'']);
    match (key.trim_matches(['"', '\'']), value) {
        ("phases", _) | ("version", "0.2" | "0.1") => Some(Kind::Buildspec),
        ("version", "0.0") => Some(Kind::Appspec),
        ("AWSTemplateFormatVersion", _) => Some(Kind::Template),
        ("schemaVersion", _) => Some(Kind::Component),
        _ => None,
    }
}

fn of_content(root: &Node) -> Option<Kind> {
    let has = |key: &str| root.get(key).is_some();
    let version = root.get("version").and_then(Node::as_text).map(str::trim);
    if has("AWSTemplateFormatVersion") || (has("Resources") && !has("version")) {
        return Some(Kind::Template);
    }
    if has("schemaVersion") && root.get("phases").is_some_and(|n| n.as_sequence().is_some()) {
        return Some(Kind::Component);
    }
    if root.get("pipeline").is_some_and(|n| n.get("stages").is_some()) || (has("stages") && has("roleArn")) {
        return Some(Kind::Pipeline);
    }
    if has("phases") || matches!(version, Some("0.1" | "0.2")) {
        return Some(Kind::Buildspec);
    }
    let deploys = ["os", "files", "hooks", "permissions", "Resources", "resources", "Hooks"];
    (version.is_some() && deploys.into_iter().any(has)).then_some(Kind::Appspec)
}

fn of_name(path: &Path) -> Option<Kind> {
    let name = path.file_name()?.to_string_lossy().to_lowercase();
    let named = [Kind::Buildspec, Kind::Appspec, Kind::Pipeline, Kind::Template, Kind::Component];
    named.into_iter().find(|kind| name.contains(kind.name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_counts_before_the_name() {
        let kind = |name: &str, text: &str| guess(Path::new(name), text);
        assert_eq!(kind("codepipeline.yml", "version: 0.2\nphases: {}\n"), Some(Kind::Buildspec));
        assert_eq!(kind("x", "version: 0.2\nbatch: {}\n"), Some(Kind::Buildspec));
        assert_eq!(kind("x", "phases: {build: {}}\n"), Some(Kind::Buildspec));
        assert_eq!(kind("x", "version: 0.0\nos: linux\n"), Some(Kind::Appspec));
        assert_eq!(kind("x", "version: 0.0\nResources: []\n"), Some(Kind::Appspec));
        assert_eq!(kind("x", "schemaVersion: 1.0\nphases: []\n"), Some(Kind::Component));
        assert_eq!(kind("x", "{\"pipeline\": {\"stages\": []}}"), Some(Kind::Pipeline));
        assert_eq!(kind("buildspec.yml", "Resources: {}\n"), Some(Kind::Template));
    }

    #[test]
    fn the_name_counts_when_the_content_says_nothing() {
        assert_eq!(guess(Path::new("ci/Buildspec-dev.yml"), "a: [\n"), Some(Kind::Buildspec));
        assert_eq!(guess(Path::new("appspec.yaml"), ""), Some(Kind::Appspec));
        assert_eq!(guess(Path::new("notes.txt"), "hello"), None);
    }

    #[test]
    fn a_file_that_cannot_be_read_is_what_its_lines_say() {
        let kind = |text: &str| guess(Path::new("x.yml"), text);
        assert_eq!(kind("version: 0.2\nphases:\n\tbuild:\n"), Some(Kind::Buildspec));
        assert_eq!(kind("version: '0.0'\na: [\n"), Some(Kind::Appspec));
        assert_eq!(kind("a: [\n"), None);
    }
}
