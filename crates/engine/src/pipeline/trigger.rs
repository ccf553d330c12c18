//! Whether a change of a repository starts a pipeline.
//!
//! User Guide, "Add trigger with code push or pull request event types": the filters of a trigger are alternatives, the
//! criteria within one filter must all be met, and excludes win over includes.
//!
//! Of the changed files one that is included and not excluded is enough. A branch that is new has no commit to compare with:
//! all its files count as changed.

use formats::pipeline::{GitConfiguration, Glob, Patterns, PullRequestEvent};
use serde::{Deserialize, Serialize};

/// What happened to a repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GitEvent {
    /// A branch was pushed to.
    Branch { name: String },
    /// A tag was made or moved.
    Tag { name: String },
    /// A pull request for the branch `target`.
    PullRequest { event: PullRequestEvent, target: String },
}

/// What a trigger says to an event.
#[derive(Clone, Debug)]
pub enum Reaction {
    Starts,
    /// If one of the filters admits one of the changed files.
    IfFiles(Vec<FileFilter>),
    Nothing,
}

/// Which changed files start a pipeline.
#[derive(Clone, Debug)]
pub struct FileFilter {
    includes: Vec<Glob>,
    excludes: Vec<Glob>,
}

impl FileFilter {
    fn of(patterns: &Patterns) -> Self {
        let globs = |list: &[String]| list.iter().filter_map(|p| Glob::parse(p).ok()).collect();
        FileFilter { includes: globs(&patterns.includes), excludes: globs(&patterns.excludes) }
    }

    /// Whether a change of this file starts the pipeline.
    pub fn admits(&self, path: &str) -> bool {
        let any = |globs: &[Glob]| globs.iter().any(|g| g.matches(path));
        !any(&self.excludes) && (self.includes.is_empty() || any(&self.includes))
    }
}

/// What the trigger of a source action with the configured `branch` says.
pub fn reaction(git: &GitConfiguration, branch: &str, event: &GitEvent) -> Reaction {
    if git.push.is_empty() && git.pull_request.is_empty() {
        return match event {
            GitEvent::Branch { name } if name == branch => Reaction::Starts,
            GitEvent::Branch { .. } | GitEvent::Tag { .. } | GitEvent::PullRequest { .. } => Reaction::Nothing,
        };
    }
    let mut of_files = Vec::new();
    for files in fitting(git, event) {
        match files {
            None => return Reaction::Starts,
            Some(patterns) => of_files.push(FileFilter::of(patterns)),
        }
    }
    if of_files.is_empty() { Reaction::Nothing } else { Reaction::IfFiles(of_files) }
}

/// The filters that fit but for what they say of files.
fn fitting<'a>(git: &'a GitConfiguration, event: &GitEvent) -> Vec<Option<&'a Patterns>> {
    let admits = |patterns: &Option<Patterns>, name: &str| patterns.as_ref().is_none_or(|p| p.admit(name));
    match event {
        GitEvent::Branch { name } => {
            let filters = git.push.iter().filter(|f| f.tags.is_none() && admits(&f.branches, name));
            filters.map(|f| f.file_paths.as_ref()).collect()
        }
        GitEvent::Tag { name } => {
            git.push.iter().filter(|f| f.tags.as_ref().is_some_and(|p| p.admit(name))).map(|_| None).collect()
        }
        GitEvent::PullRequest { event, target } => {
            let wanted = |events: &[String]| events.is_empty() || events.iter().any(|e| e == event.as_str());
            let filters = git.pull_request.iter().filter(|f| wanted(&f.events) && admits(&f.branches, target));
            filters.map(|f| f.file_paths.as_ref()).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn git(mut value: Value) -> GitConfiguration {
        value["sourceActionName"] = json!("Src");
        serde_json::from_value(value).unwrap()
    }

    fn starts(git: &GitConfiguration, event: &GitEvent, files: &[&str]) -> bool {
        match reaction(git, "main", event) {
            Reaction::Starts => true,
            Reaction::Nothing => false,
            Reaction::IfFiles(filters) => files.iter().any(|file| filters.iter().any(|f| f.admits(file))),
        }
    }

    fn branch(name: &str) -> GitEvent {
        GitEvent::Branch { name: name.to_owned() }
    }

    fn tag(name: &str) -> GitEvent {
        GitEvent::Tag { name: name.to_owned() }
    }

    #[test]
    fn without_a_filter_pushes_to_the_configured_branch_start() {
        let git = git(json!({}));
        assert!(starts(&git, &branch("main"), &[]));
        assert!(!starts(&git, &branch("dev"), &[]));
        assert!(!starts(&git, &tag("main"), &[]));
    }

    #[test]
    fn branches_and_files_must_both_fit_and_excludes_win() {
        let git = git(json!({"push": [{
            "branches": {"includes": ["main", "release/**"], "excludes": ["release/old/*"]},
            "filePaths": {"includes": ["src/**"], "excludes": ["**/*.md"]},
        }]}));
        assert!(starts(&git, &branch("release/1/2"), &["README.md", "src/a.rs"]));
        assert!(!starts(&git, &branch("release/old/1"), &["src/a.rs"]));
        assert!(!starts(&git, &branch("dev"), &["src/a.rs"]));
        assert!(!starts(&git, &branch("main"), &["src/notes.md", "docs/x"]));
        assert!(!starts(&git, &branch("main"), &[]));
        assert!(!starts(&git, &tag("main"), &["src/a.rs"]));
    }

    #[test]
    fn filters_are_alternatives_and_tags_are_a_matter_of_their_own() {
        let git = git(json!({"push": [
            {"tags": {"includes": ["v*"], "excludes": ["v0.*"]}},
            {"branches": {"excludes": ["main"]}},
        ]}));
        assert!(starts(&git, &tag("v1.0"), &[]));
        assert!(!starts(&git, &tag("v0.9"), &[]));
        assert!(!starts(&git, &tag("nightly"), &[]));
        assert!(starts(&git, &branch("dev"), &[]));
        assert!(!starts(&git, &branch("main"), &[]));
    }

    #[test]
    fn pull_requests_are_told_apart_by_what_happened_and_by_their_target() {
        let git = git(json!({"pullRequest": [
            {"events": ["OPEN", "UPDATED"], "branches": {"includes": ["main"]}, "filePaths": {"includes": ["src/**"]}},
        ]}));
        let request = |event, target: &str| GitEvent::PullRequest { event, target: target.to_owned() };
        assert!(starts(&git, &request(PullRequestEvent::Open, "main"), &["src/x"]));
        assert!(!starts(&git, &request(PullRequestEvent::Open, "main"), &["docs/x"]));
        assert!(!starts(&git, &request(PullRequestEvent::Closed, "main"), &["src/x"]));
        assert!(!starts(&git, &request(PullRequestEvent::Updated, "dev"), &["src/x"]));
        assert!(!starts(&git, &branch("main"), &["src/x"]));
    }
}
