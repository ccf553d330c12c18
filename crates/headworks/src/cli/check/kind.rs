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
    let by_content = yaml::parse(text).ok().and_then(|(root, _)| of_content(&root));
    by_content.or_else(|| of_name(path))
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
}
