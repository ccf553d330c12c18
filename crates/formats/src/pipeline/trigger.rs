//! Triggers: which changes of a repository start a pipeline of type V2.
//!
//! User Guide, "Add trigger with code push or pull request event types".
//!
//! Deviation: AWS has the provider type CodeStarSourceConnection alone; `CodeCommit` is ours, with the same filters.

use serde::{Deserialize, Serialize};

use super::Glob;
use super::declaration::absent;

/// One trigger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TriggerDeclaration {
    pub provider_type: String,
    pub git_configuration: GitConfiguration,
}

/// Whose repositories a trigger can watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TriggerProvider {
    CodeStarSourceConnection,
    CodeCommit,
}

/// The source action whose repository is watched, and for what. Without any filter: pushes to the action's branch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GitConfiguration {
    pub source_action_name: String,
    /// One that fits is enough.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "absent")]
    pub push: Vec<PushFilter>,
    /// One that fits is enough.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "absent")]
    pub pull_request: Vec<PullRequestFilter>,
}

/// Which pushes: of tags, or to branches and of files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PushFilter {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Patterns>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branches: Option<Patterns>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_paths: Option<Patterns>,
}

/// Which pull requests: what happened to them, the branch that they are for, and the files that they change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PullRequestFilter {
    /// All when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "absent")]
    pub events: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branches: Option<Patterns>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_paths: Option<Patterns>,
}

/// What happened to a pull request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PullRequestEvent {
    Open,
    Updated,
    /// Merged.
    Closed,
}

/// Names that are wanted, and names that are not even then.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Patterns {
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "absent")]
    pub includes: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "absent")]
    pub excludes: Vec<String>,
}

impl TriggerProvider {
    /// The provider that a declaration names.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "CodeStarSourceConnection" => Some(TriggerProvider::CodeStarSourceConnection),
            "CodeCommit" => Some(TriggerProvider::CodeCommit),
            _ => None,
        }
    }
}

impl GitConfiguration {
    /// Whether it takes the changed files to tell.
    pub fn asks_for_files(&self) -> bool {
        self.push.iter().any(|f| f.file_paths.is_some()) || self.pull_request.iter().any(|f| f.file_paths.is_some())
    }
}

impl PullRequestEvent {
    /// As the model spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            PullRequestEvent::Open => "OPEN",
            PullRequestEvent::Updated => "UPDATED",
            PullRequestEvent::Closed => "CLOSED",
        }
    }

    /// The event that a declaration names.
    pub fn parse(text: &str) -> Option<Self> {
        [PullRequestEvent::Open, PullRequestEvent::Updated, PullRequestEvent::Closed]
            .into_iter()
            .find(|event| event.as_str() == text)
    }
}

impl Patterns {
    /// Whether a name is wanted. Excludes win; without includes everything else is wanted.
    pub fn admit(&self, name: &str) -> bool {
        let any = |patterns: &[String]| patterns.iter().filter_map(|p| Glob::parse(p).ok()).any(|g| g.matches(name));
        !any(&self.excludes) && (self.includes.is_empty() || any(&self.includes))
    }
}
