//! What a delivery says, whoever sent it.

use serde::{Deserialize, Serialize};

/// A delivery that was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// Something that may start a build.
    Event(Box<WebhookEvent>),
    /// A comment that approves the build of a pull request.
    Approval(Approval),
    /// Nothing that concerns builds: why.
    Nothing(String),
}

/// Something that happened in a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookEvent {
    /// As the EVENT filter names it: PUSH, PULL_REQUEST_CREATED, RELEASED, ...
    pub event: String,
    /// The full ref that a pull request goes to.
    pub base_ref: Option<String>,
    /// The full ref that was pushed, or that a pull request comes from.
    pub head_ref: Option<String>,
    pub actor: Option<String>,
    /// `None` when the delivery does not tell them.
    pub files: Option<Vec<String>>,
    pub message: Option<String>,
    pub tag: Option<String>,
    pub release: Option<String>,
    pub workflow: Option<String>,
    pub repository: Option<String>,
    pub organization: Option<String>,
    /// What to build: a commit, `pr/123`, a tag.
    pub source_version: Option<String>,
    pub previous_commit: Option<String>,
    pub merge_commit: Option<String>,
    pub pull_request: Option<PullRequest>,
}

/// The pull request of an event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequest {
    pub number: i64,
    /// The commit at its head.
    pub head: String,
    /// It comes from another repository.
    pub is_fork: bool,
}

/// `/codebuild_run(COMMIT)` in a comment on a pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    pub number: i64,
    /// The commit that the comment names.
    pub commit: String,
    /// The roles of the model that its author has, as far as the delivery tells.
    pub roles: Vec<&'static str>,
    pub actor: String,
}

impl WebhookEvent {
    /// The branch that was pushed. A pull request's own branch may be called as one of the repository and is none of them.
    pub fn branch(&self) -> Option<&str> {
        let head = self.head_ref.as_deref().filter(|_| self.pull_request.is_none());
        head.and_then(|head| head.strip_prefix("refs/heads/"))
    }

    /// The variables that a build gets.
    pub fn variables(&self) -> Vec<(String, String)> {
        let trigger = match (&self.pull_request, &self.tag, &self.head_ref) {
            (Some(request), _, _) => Some(format!("pr/{}", request.number)),
            (None, Some(tag), _) => Some(format!("tag/{tag}")),
            (None, None, Some(head)) => Some(match head.strip_prefix("refs/tags/") {
                Some(tag) => format!("tag/{tag}"),
                None => format!("branch/{}", head.strip_prefix("refs/heads/").unwrap_or(head)),
            }),
            (None, None, None) => None,
        };
        let known = [
            ("EVENT", Some(self.event.clone())),
            ("TRIGGER", trigger),
            ("ACTOR_ACCOUNT_ID", self.actor.clone()),
            ("BASE_REF", self.base_ref.clone()),
            ("HEAD_REF", self.head_ref.clone()),
            ("PREV_COMMIT", self.previous_commit.clone()),
            ("MERGE_COMMIT", self.merge_commit.clone()),
        ];
        let named = known.into_iter().filter_map(|(name, value)| Some((format!("CODEBUILD_WEBHOOK_{name}"), value?)));
        named.collect()
    }
}
