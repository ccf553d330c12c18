//! Filter groups.

use regex_automata::meta::Regex;
use serde::{Deserialize, Serialize};

use super::WebhookEvent;

/// A compiled pattern may take so much memory.
const PATTERN_BYTES: usize = 1 << 20;

/// What a filter looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FilterKind {
    Event,
    BaseRef,
    HeadRef,
    ActorAccountId,
    FilePath,
    CommitMessage,
    WorkflowName,
    TagName,
    ReleaseName,
    RepositoryName,
    OrganizationName,
}

/// `WebhookFilter`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Filter {
    #[serde(rename = "type")]
    pub kind: FilterKind,
    /// A regular expression that is found anywhere; for EVENT the events, separated by commas.
    pub pattern: String,
    #[serde(default)]
    pub exclude_matched_pattern: bool,
}

impl Filter {
    /// The event that starts a runner of GitHub Actions instead of the project's buildspec.
    pub const RUNNER_EVENT: &'static str = "WORKFLOW_JOB_QUEUED";

    /// Whether the filter lets a runner's event start something.
    pub fn asks_for_runner(&self) -> bool {
        self.kind == FilterKind::Event && self.pattern.split(',').any(|event| event.trim() == Self::RUNNER_EVENT)
    }
}

/// The events that a filter can name.
const EVENTS: &[&str] = &[
    "PUSH",
    "PULL_REQUEST_CREATED",
    "PULL_REQUEST_UPDATED",
    "PULL_REQUEST_REOPENED",
    "PULL_REQUEST_MERGED",
    "PULL_REQUEST_CLOSED",
    "RELEASED",
    "PRERELEASED",
    Filter::RUNNER_EVENT,
];

/// A pattern that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    #[error("{0} is not an event")]
    UnknownEvent(String),
    #[error("the pattern {pattern:?} cannot be used: {why}")]
    Pattern { pattern: String, why: String },
    #[error("a filter group needs a filter of type EVENT")]
    NoEvent,
}

/// Filter groups whose patterns were read.
pub struct Filters(Vec<Vec<Ready>>);

struct Ready {
    kind: FilterKind,
    test: Test,
    excludes: bool,
}

enum Test {
    Events(Vec<String>),
    Pattern(Box<Regex>),
}

impl Filters {
    /// Reads filter groups; all that is wrong with them is told.
    pub fn new(groups: &[Vec<Filter>]) -> Result<Filters, Vec<PatternError>> {
        let mut errors = Vec::new();
        let mut ready = Vec::new();
        for group in groups {
            if !group.iter().any(|filter| filter.kind == FilterKind::Event) {
                errors.push(PatternError::NoEvent);
            }
            let mut filters = Vec::new();
            for filter in group {
                match test(filter) {
                    Ok(test) => {
                        filters.push(Ready { kind: filter.kind, test, excludes: filter.exclude_matched_pattern })
                    }
                    Err(error) => errors.push(error),
                }
            }
            ready.push(filters);
        }
        if errors.is_empty() { Ok(Filters(ready)) } else { Err(errors) }
    }
}

fn test(filter: &Filter) -> Result<Test, PatternError> {
    if filter.kind == FilterKind::Event {
        let events: Vec<String> = filter.pattern.split(',').map(|event| event.trim().to_owned()).collect();
        return match events.iter().find(|event| !EVENTS.contains(&event.as_str())) {
            Some(unknown) => Err(PatternError::UnknownEvent(unknown.clone())),
            None => Ok(Test::Events(events)),
        };
    }
    let limits = Regex::config().nfa_size_limit(Some(PATTERN_BYTES));
    let regex = Regex::builder().configure(limits).build(&filter.pattern);
    let why = |e: regex_automata::meta::BuildError| match e.syntax_error() {
        Some(syntax) => syntax.to_string().lines().last().unwrap_or_default().to_owned(),
        None => e.to_string(),
    };
    let regex = regex.map_err(|e| PatternError::Pattern { pattern: filter.pattern.clone(), why: why(e) })?;
    Ok(Test::Pattern(Box::new(regex)))
}

/// Whether the event starts a build: `None` when it does, otherwise why not. Without groups a push of a branch does,
/// and a pull request that is created, updated or reopened.
pub fn decide(filters: &Filters, event: &WebhookEvent) -> Option<String> {
    if filters.0.is_empty() {
        let usual = matches!(
            event.event.as_str(),
            "PUSH" | "PULL_REQUEST_CREATED" | "PULL_REQUEST_UPDATED" | "PULL_REQUEST_REOPENED"
        );
        return (!usual).then(|| format!("{} starts builds only where a filter says so", event.event));
    }
    let mut reasons = Vec::new();
    for (n, group) in filters.0.iter().enumerate() {
        match group.iter().find_map(|filter| fails(filter, event)) {
            None => return None,
            Some(why) => reasons.push(format!("group {}: {why}", n + 1)),
        }
    }
    Some(reasons.join("; "))
}

/// Why the filter does not pass.
fn fails(filter: &Ready, event: &WebhookEvent) -> Option<String> {
    let name = filter.kind.name();
    let one = |value: &Option<String>| value.as_ref().map(|text| vec![text.clone()]);
    let subject = match filter.kind {
        FilterKind::Event => Some(vec![event.event.clone()]),
        FilterKind::BaseRef => one(&event.base_ref),
        FilterKind::HeadRef => one(&event.head_ref),
        FilterKind::ActorAccountId => one(&event.actor),
        FilterKind::FilePath => event.files.clone(),
        FilterKind::CommitMessage => one(&event.message),
        FilterKind::WorkflowName => one(&event.workflow),
        FilterKind::TagName => one(&event.tag),
        FilterKind::ReleaseName => one(&event.release),
        FilterKind::RepositoryName => one(&event.repository),
        FilterKind::OrganizationName => one(&event.organization),
    };
    let Some(values) = subject else {
        return Some(format!("the delivery does not tell the {name} of {}", event.event));
    };
    let matches = |value: &String| match &filter.test {
        Test::Events(events) => events.contains(value),
        Test::Pattern(regex) => regex.is_match(value.as_str()),
    };
    let found = values.iter().any(matches);
    (found == filter.excludes).then(|| format!("{name} {}", if found { "is excluded" } else { "does not match" }))
}

impl FilterKind {
    /// The type as the API spells it.
    pub fn name(self) -> &'static str {
        match self {
            FilterKind::Event => "EVENT",
            FilterKind::BaseRef => "BASE_REF",
            FilterKind::HeadRef => "HEAD_REF",
            FilterKind::ActorAccountId => "ACTOR_ACCOUNT_ID",
            FilterKind::FilePath => "FILE_PATH",
            FilterKind::CommitMessage => "COMMIT_MESSAGE",
            FilterKind::WorkflowName => "WORKFLOW_NAME",
            FilterKind::TagName => "TAG_NAME",
            FilterKind::ReleaseName => "RELEASE_NAME",
            FilterKind::RepositoryName => "REPOSITORY_NAME",
            FilterKind::OrganizationName => "ORGANIZATION_NAME",
        }
    }
}
