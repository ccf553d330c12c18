//! What an event says of a source, and which source actions of a pipeline it is about.

use std::ops::ControlFlow;

use base::Event;
use engine::pipeline::{GitEvent, Reaction, SourceOverride, Trigger, reaction};
use formats::pipeline::{ActionDeclaration, PipelineDeclaration, Provider, PullRequestEvent};
use serde_json::{Value, json};

use crate::codeconnections;

/// The provider of actions whose repository is behind a connection.
const CONNECTION: &str = "CodeStarSourceConnection";

/// A change of a source.
pub(super) struct Change<'a> {
    pub provider: &'static str,
    /// The repository or the bucket.
    pub container: &'a str,
    /// The connection, for a repository behind one.
    pub connection: Option<&'a str>,
    /// Who has changed it (an ARN), where that is told.
    pub by: Option<&'a str>,
    pub what: What<'a>,
}

/// What has changed.
pub(super) enum What<'a> {
    Git {
        event: GitEvent,
        /// For an annotated tag the tag's own id, until the repository was asked.
        commit: Option<&'a str>,
        before: Option<&'a str>,
        /// The branch that a pull request comes from.
        from: Option<&'a str>,
        files: Files<'a>,
    },
    Object {
        key: &'a str,
        version: Option<&'a str>,
    },
}

/// What of its files a change has changed.
#[derive(Clone, Copy)]
pub(super) enum Files<'a> {
    /// The repository tells: it is one of ours.
    InRepository,
    Told(&'a [Value]),
    /// Whoever told of the change has not said. Every filter of files then counts as met.
    Unknown,
}

/// The source actions of a pipeline that a change is about.
pub(super) struct Watch<'a> {
    /// Those that watch just what has changed.
    plain: Vec<&'a ActionDeclaration>,
    /// Those with a trigger that is not indifferent.
    triggered: Vec<(&'a ActionDeclaration, Reaction)>,
}

/// The source actions that a change starts, and what to say of it.
pub(super) struct Starting<'a> {
    /// Those that watch just what has changed.
    pub plain: Vec<&'a ActionDeclaration>,
    triggered: Vec<&'a ActionDeclaration>,
}

impl<'a> Change<'a> {
    pub fn of(event: &'a Event) -> Option<Self> {
        let detail = &event.detail;
        let text = |path: &str| detail.pointer(path).and_then(Value::as_str);
        match event.detail_type.as_str() {
            "CodeCommit Repository State Change" if event.source == "aws.codecommit" => {
                let written = matches!(text("/event"), Some("referenceCreated" | "referenceUpdated"));
                written.then_some(())?;
                let name = text("/referenceName")?.to_owned();
                let event = match text("/referenceType")? {
                    "branch" => GitEvent::Branch { name },
                    "tag" => GitEvent::Tag { name },
                    _ => return None,
                };
                let (commit, before) = (text("/commitId"), text("/oldCommitId"));
                let what = What::Git { event, commit, before, from: None, files: Files::InRepository };
                let (container, by) = (text("/repositoryName")?, text("/callerUserArn"));
                Some(Change { provider: "CodeCommit", container, connection: None, by, what })
            }
            codeconnections::DETAIL_TYPE if event.source == codeconnections::SOURCE => {
                let name = text("/referenceName")?;
                let request = text("/pullRequestEvent").and_then(PullRequestEvent::parse);
                let (git, from) = match (text("/referenceType")?, request) {
                    ("branch", Some(event)) => {
                        (GitEvent::PullRequest { event, target: text("/targetBranch")?.to_owned() }, Some(name))
                    }
                    ("branch", None) => (GitEvent::Branch { name: name.to_owned() }, None),
                    ("tag", None) => (GitEvent::Tag { name: name.to_owned() }, None),
                    _ => return None,
                };
                let files = detail.pointer("/files").and_then(Value::as_array);
                let what = What::Git {
                    event: git,
                    commit: text("/commitId"),
                    before: text("/oldCommitId"),
                    from,
                    files: files.map_or(Files::Unknown, |files| Files::Told(files)),
                };
                let container = text("/fullRepositoryId")?;
                Some(Change { provider: CONNECTION, container, connection: text("/connectionArn"), by: None, what })
            }
            "Object Created" if event.source == "aws.s3" => {
                let what = What::Object { key: text("/object/key")?, version: text("/object/version-id") };
                Some(Change { provider: "S3", container: text("/bucket/name")?, connection: None, by: None, what })
            }
            _ => None,
        }
    }

    /// The branch or the object's key; empty for what only a trigger can watch.
    pub fn item(&self) -> &str {
        match &self.what {
            What::Git { event: GitEvent::Branch { name }, .. } => name,
            What::Git { event: GitEvent::Tag { .. } | GitEvent::PullRequest { .. }, .. } => "",
            What::Object { key, .. } => key,
        }
    }

    /// Which source actions of the pipeline watch this.
    pub fn watched_by<'d>(&self, declaration: &'d PipelineDeclaration) -> Watch<'d> {
        let mut watch = Watch { plain: Vec::new(), triggered: Vec::new() };
        for action in declaration.source_actions().filter(|a| self.is_at(a)) {
            match (declaration.trigger_of(&action.name), &self.what) {
                (Some(git), What::Git { event, .. }) => {
                    match reaction(git, action.config("BranchName").unwrap_or_default(), event) {
                        Reaction::Nothing => {}
                        reaction => watch.triggered.push((action, reaction)),
                    }
                }
                (Some(_), What::Object { .. }) => {}
                (None, _) if watches(action, self.item()) => watch.plain.push(action),
                (None, _) => {}
            }
        }
        watch
    }

    fn is_at(&self, action: &ActionDeclaration) -> bool {
        let same = |w: &Watched<'_>| w.provider == self.provider && w.container == self.container;
        watched(action).filter(same).is_some_and(|_| self.connection == action.config("ConnectionArn"))
    }

    /// What the execution is told of this change, `commit` being what the tag or branch is at.
    pub fn trigger(&self, starting: &Starting<'_>, commit: Option<&str>, resource: Option<&String>) -> Trigger {
        if let What::Git { event, before, from, .. } = &self.what
            && !starting.triggered.is_empty()
        {
            let (what, kind, name) = match event {
                GitEvent::Branch { name } => ("push", "branch", name),
                GitEvent::Tag { name } => ("push", "tag", name),
                GitEvent::PullRequest { event, target } => (event.as_str(), "targetBranch", target),
            };
            let mut detail = json!({"provider": self.provider, "repository": self.container, "event": what});
            if let Value::Object(members) = &mut detail {
                members.insert(kind.to_owned(), name.as_str().into());
                let more =
                    [("connection", self.connection), ("branch", *from), ("commit", commit), ("before", *before)];
                for (key, id) in more {
                    members.extend(id.map(|id| (key.to_owned(), Value::from(id))));
                }
            }
            return Trigger { kind: Trigger::GIT.to_owned(), detail: detail.to_string() };
        }
        if self.connection.is_some() {
            let detail = resource.cloned().unwrap_or_default();
            return Trigger { kind: "Webhook".to_owned(), detail };
        }
        match starting.plain.iter().find(|a| a.config("PollForSourceChanges") != Some("false")) {
            Some(action) => Trigger { kind: "PollForSourceChanges".to_owned(), detail: action.name.clone() },
            None => Trigger { kind: "CloudWatchEvent".to_owned(), detail: resource.cloned().unwrap_or_default() },
        }
    }

    /// The revisions that the started actions must use.
    pub fn overrides(&self, starting: &Starting<'_>, commit: Option<&str>) -> Vec<SourceOverride> {
        let (kind, value) = match &self.what {
            What::Git { .. } => ("COMMIT_ID", commit),
            What::Object { version, .. } => ("S3_OBJECT_VERSION_ID", *version),
        };
        let of = |action: &ActionDeclaration, kind: &str, value: &str| SourceOverride {
            action: action.name.clone(),
            kind: kind.to_owned(),
            value: value.to_owned(),
        };
        let all = starting.plain.iter().chain(&starting.triggered);
        let mut overrides: Vec<SourceOverride> =
            value.iter().flat_map(|value| all.clone().map(|a| of(a, kind, value))).collect();
        let pushed = match &self.what {
            What::Git { event: GitEvent::Branch { name }, .. } => Some(name.clone()),
            What::Git { event: GitEvent::Tag { name }, .. } => Some(format!("refs/tags/{name}")),
            What::Git { event: GitEvent::PullRequest { .. }, from, .. } => from.map(str::to_owned),
            What::Object { .. } => None,
        };
        if let Some(name) = pushed {
            overrides.extend(starting.triggered.iter().map(|a| of(a, SourceOverride::BRANCH, &name)));
        }
        overrides
    }
}

impl<'a> Watch<'a> {
    pub fn is_empty(&self) -> bool {
        self.plain.is_empty() && self.triggered.is_empty()
    }

    /// What starts by what was told with the change.
    pub fn told(self, files: Files<'_>) -> Starting<'a> {
        let mut triggered = Vec::new();
        for (action, reaction) in self.triggered {
            let starts = match (&reaction, files) {
                (Reaction::Nothing, _) => false,
                (Reaction::Starts, _) | (Reaction::IfFiles(_), Files::Unknown) => true,
                (Reaction::IfFiles(filters), Files::Told(files)) => {
                    files.iter().filter_map(Value::as_str).any(|file| filters.iter().any(|f| f.admits(file)))
                }
                (Reaction::IfFiles(_), Files::InRepository) => false,
            };
            triggered.extend(Some(action).filter(|_| starts));
        }
        Starting { plain: self.plain, triggered }
    }

    /// Whether it takes the changed files to tell what starts.
    pub fn asks_for_files(&self) -> bool {
        self.triggered.iter().any(|(_, reaction)| matches!(reaction, Reaction::IfFiles(_)))
    }

    /// What starts of this, when that was found out before.
    pub fn chosen(self, names: &[String]) -> Starting<'a> {
        let wanted = |a: &&ActionDeclaration| names.contains(&a.name);
        Starting { plain: self.plain, triggered: self.triggered.into_iter().map(|(a, _)| a).filter(wanted).collect() }
    }

    /// What starts, `files` telling each changed file until it is told to stop.
    pub fn starting<E>(
        self,
        files: impl FnOnce(&mut dyn FnMut(&str) -> ControlFlow<()>) -> Result<(), E>,
    ) -> Result<Starting<'a>, E> {
        let mut starts: Vec<(&ActionDeclaration, Reaction)> = self.triggered;
        if starts.iter().any(|(_, r)| matches!(r, Reaction::IfFiles(_))) {
            files(&mut |path| {
                for (_, reaction) in &mut starts {
                    if let Reaction::IfFiles(filters) = reaction
                        && filters.iter().any(|f| f.admits(path))
                    {
                        *reaction = Reaction::Starts;
                    }
                }
                match starts.iter().any(|(_, r)| matches!(r, Reaction::IfFiles(_))) {
                    true => ControlFlow::Continue(()),
                    false => ControlFlow::Break(()),
                }
            })?;
        }
        let triggered = starts.into_iter().filter(|(_, r)| matches!(r, Reaction::Starts)).map(|(a, _)| a).collect();
        Ok(Starting { plain: self.plain, triggered })
    }
}

impl Starting<'_> {
    /// The actions that a trigger starts.
    pub fn names(&self) -> Vec<String> {
        self.triggered.iter().map(|a| a.name.clone()).collect()
    }

    pub fn is_empty(&self) -> bool {
        self.plain.is_empty() && self.triggered.is_empty()
    }
}

/// What a source action watches.
pub(super) struct Watched<'a> {
    pub provider: &'static str,
    pub container: &'a str,
    pub item: &'a str,
}

/// What a source action watches, if it is one whose changes are told of by events.
pub(super) fn watched(action: &ActionDeclaration) -> Option<Watched<'_>> {
    let (provider, container, item) = match action.provider()? {
        Provider::CodeCommitSource => ("CodeCommit", "RepositoryName", "BranchName"),
        Provider::ConnectionSource => (CONNECTION, "FullRepositoryId", "BranchName"),
        Provider::GitHubSource => ("GitHub", "Repo", "Branch"),
        Provider::S3Source => ("S3", "S3Bucket", "S3ObjectKey"),
        // Whoever works for the action says what is new: PutActionRevision.
        Provider::CodeBuild
        | Provider::Commands
        | Provider::ManualApproval
        | Provider::S3Deploy
        | Provider::Worker
        | Provider::Pipeline
        | Provider::Call => {
            return None;
        }
    };
    Some(Watched { provider, container: action.config(container)?, item: action.config(item)? })
}

/// A connection tells of every push; the action can be deaf to it.
fn watches(action: &ActionDeclaration, item: &str) -> bool {
    action.config("DetectChanges") != Some("false") && watched(action).is_some_and(|w| w.item == item)
}
