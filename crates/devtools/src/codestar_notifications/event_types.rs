//! The event types of the Developer Tools console User Guide, "Events for notification rules", and which event is of which.

use base::{ApiError, Event};
use serde::Serialize;
use serde_json::Value;

use super::errors;
use super::resource::Kind;

/// Event types that one rule may name.
const MAX_OF_RULE: usize = 200;

/// One event type.
#[derive(Debug)]
pub(super) struct EventType {
    pub id: &'static str,
    pub kind: Kind,
    pub name: &'static str,
    source: &'static str,
    detail_type: &'static str,
    matches: Matches,
}

/// What the event's detail must say.
#[derive(Debug)]
enum Matches {
    /// One of these values at the pointer.
    Says(&'static str, &'static [&'static str]),
    /// The same of a manual approval.
    Approval(&'static [&'static str]),
}

use Matches::{Approval, Says};

const PIPELINE: &str = "CodePipeline Pipeline Execution State Change";
const STAGE: &str = "CodePipeline Stage Execution State Change";
const ACTION: &str = "CodePipeline Action Execution State Change";
const BUILD: &str = "CodeBuild Build State Change";
const PHASE: &str = "CodeBuild Build Phase Change";
const REFERENCE: &str = "CodeCommit Repository State Change";
const PULL_REQUEST: &str = "CodeCommit Pull Request State Change";

const fn pipeline(id: &'static str, name: &'static str, detail_type: &'static str, matches: Matches) -> EventType {
    EventType { id, kind: Kind::Pipeline, name, source: "aws.codepipeline", detail_type, matches }
}

const fn project(id: &'static str, name: &'static str, detail_type: &'static str, matches: Matches) -> EventType {
    EventType { id, kind: Kind::Project, name, source: "aws.codebuild", detail_type, matches }
}

const fn repository(id: &'static str, name: &'static str, detail_type: &'static str, matches: Matches) -> EventType {
    EventType { id, kind: Kind::Repository, name, source: "aws.codecommit", detail_type, matches }
}

/// By id. The guide does not say which states count as canceled: what was stopped and what was abandoned do here.
#[rustfmt::skip]
static EVENT_TYPES: &[EventType] = &[
    project("codebuild-project-build-phase-failure", "Build phase: Failure", PHASE, Says("/completed-phase-status", &["FAILED", "FAULT", "TIMED_OUT", "CLIENT_ERROR"])),
    project("codebuild-project-build-phase-success", "Build phase: Success", PHASE, Says("/completed-phase-status", &["SUCCEEDED"])),
    project("codebuild-project-build-state-failed", "Build state: Failed", BUILD, Says("/build-status", &["FAILED", "FAULT", "TIMED_OUT"])),
    project("codebuild-project-build-state-in-progress", "Build state: In-progress", BUILD, Says("/build-status", &["IN_PROGRESS"])),
    project("codebuild-project-build-state-stopped", "Build state: Stopped", BUILD, Says("/build-status", &["STOPPED"])),
    project("codebuild-project-build-state-succeeded", "Build state: Succeeded", BUILD, Says("/build-status", &["SUCCEEDED"])),
    repository("codecommit-repository-approvals-rule-override", "Approvals: Rule override", PULL_REQUEST, Says("/event", &["pullRequestApprovalRuleOverridden"])),
    repository("codecommit-repository-approvals-status-changed", "Approvals: Status changed", PULL_REQUEST, Says("/event", &["pullRequestApprovalStateChanged"])),
    repository("codecommit-repository-branches-and-tags-created", "Branches and tags: Created", REFERENCE, Says("/event", &["referenceCreated"])),
    repository("codecommit-repository-branches-and-tags-deleted", "Branches and tags: Deleted", REFERENCE, Says("/event", &["referenceDeleted"])),
    repository("codecommit-repository-branches-and-tags-updated", "Branches and tags: Updated", REFERENCE, Says("/event", &["referenceUpdated"])),
    repository("codecommit-repository-comments-on-commits", "Comments: On commits", "CodeCommit Comment on Commit", Says("/event", &["commentOnCommitCreated", "commentOnCommitUpdated"])),
    repository("codecommit-repository-comments-on-pull-requests", "Comments: On pull requests", "CodeCommit Comment on Pull Request", Says("/event", &["commentOnPullRequestCreated", "commentOnPullRequestUpdated"])),
    repository("codecommit-repository-pull-request-created", "Pull request: Created", PULL_REQUEST, Says("/event", &["pullRequestCreated"])),
    repository("codecommit-repository-pull-request-merged", "Pull request: Merged", PULL_REQUEST, Says("/event", &["pullRequestMergeStatusUpdated"])),
    repository("codecommit-repository-pull-request-source-updated", "Pull request: Source updated", PULL_REQUEST, Says("/event", &["pullRequestSourceBranchUpdated"])),
    repository("codecommit-repository-pull-request-status-changed", "Pull request: Status changed", PULL_REQUEST, Says("/event", &["pullRequestStatusChanged"])),
    pipeline("codepipeline-pipeline-action-execution-canceled", "Action execution: Canceled", ACTION, Says("/state", &["ABANDONED", "CANCELED"])),
    pipeline("codepipeline-pipeline-action-execution-failed", "Action execution: Failed", ACTION, Says("/state", &["FAILED"])),
    pipeline("codepipeline-pipeline-action-execution-started", "Action execution: Started", ACTION, Says("/state", &["STARTED"])),
    pipeline("codepipeline-pipeline-action-execution-succeeded", "Action execution: Succeeded", ACTION, Says("/state", &["SUCCEEDED"])),
    pipeline("codepipeline-pipeline-manual-approval-failed", "Manual approval: Failed", ACTION, Approval(&["FAILED"])),
    pipeline("codepipeline-pipeline-manual-approval-needed", "Manual approval: Needed", ACTION, Approval(&["STARTED"])),
    pipeline("codepipeline-pipeline-manual-approval-succeeded", "Manual approval: Succeeded", ACTION, Approval(&["SUCCEEDED"])),
    pipeline("codepipeline-pipeline-pipeline-execution-canceled", "Pipeline execution: Canceled", PIPELINE, Says("/state", &["CANCELED", "STOPPED"])),
    pipeline("codepipeline-pipeline-pipeline-execution-failed", "Pipeline execution: Failed", PIPELINE, Says("/state", &["FAILED"])),
    pipeline("codepipeline-pipeline-pipeline-execution-resumed", "Pipeline execution: Resumed", PIPELINE, Says("/state", &["RESUMED"])),
    pipeline("codepipeline-pipeline-pipeline-execution-started", "Pipeline execution: Started", PIPELINE, Says("/state", &["STARTED"])),
    pipeline("codepipeline-pipeline-pipeline-execution-succeeded", "Pipeline execution: Succeeded", PIPELINE, Says("/state", &["SUCCEEDED"])),
    pipeline("codepipeline-pipeline-pipeline-execution-superseded", "Pipeline execution: Superseded", PIPELINE, Says("/state", &["SUPERSEDED"])),
    pipeline("codepipeline-pipeline-stage-execution-canceled", "Stage execution: Canceled", STAGE, Says("/state", &["CANCELED", "STOPPED"])),
    pipeline("codepipeline-pipeline-stage-execution-failed", "Stage execution: Failed", STAGE, Says("/state", &["FAILED"])),
    pipeline("codepipeline-pipeline-stage-execution-resumed", "Stage execution: Resumed", STAGE, Says("/state", &["RESUMED"])),
    pipeline("codepipeline-pipeline-stage-execution-started", "Stage execution: Started", STAGE, Says("/state", &["STARTED"])),
    pipeline("codepipeline-pipeline-stage-execution-succeeded", "Stage execution: Succeeded", STAGE, Says("/state", &["SUCCEEDED"])),
];

/// An event type as clients see it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct EventTypeSummary {
    pub event_type_id: &'static str,
    pub service_name: &'static str,
    pub event_type_name: &'static str,
    pub resource_type: &'static str,
}

impl EventType {
    fn is_of(&self, event: &Event) -> bool {
        if self.source != event.source || self.detail_type != event.detail_type {
            return false;
        }
        let text = |pointer: &str| event.detail.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        match &self.matches {
            Says(pointer, values) => values.contains(&text(pointer)),
            Approval(states) => text("/type/category") == "Approval" && states.contains(&text("/state")),
        }
    }

    pub fn summary(&self) -> EventTypeSummary {
        EventTypeSummary {
            event_type_id: self.id,
            service_name: self.kind.service(),
            event_type_name: self.name,
            resource_type: self.kind.name(),
        }
    }
}

/// All of them, by id.
pub(super) fn all() -> &'static [EventType] {
    EVENT_TYPES
}

/// The type of this id.
pub(super) fn find(id: &str) -> Option<&'static EventType> {
    EVENT_TYPES.iter().find(|t| t.id == id)
}

/// The ids of the types that an event is of.
pub(super) fn of(event: &Event) -> Vec<&'static str> {
    EVENT_TYPES.iter().filter(|t| t.is_of(event)).map(|t| t.id).collect()
}

/// The event types of a request, each once, all of which must be of this kind of resource.
pub(super) fn check(ids: Vec<String>, kind: Kind) -> Result<Vec<String>, ApiError> {
    let mut all: Vec<String> = Vec::with_capacity(ids.len());
    for id in ids {
        match find(&id) {
            Some(known) if known.kind == kind => {}
            Some(_) => {
                return Err(errors::invalid(format!("The event type {id} is not one of a {}", kind.name())));
            }
            None => return Err(errors::invalid(format!("The event type {id} is not known"))),
        }
        if !all.contains(&id) {
            all.push(id);
        }
    }
    match all.len() {
        0 => Err(errors::invalid("A notification rule needs an event type")),
        1..=MAX_OF_RULE => Ok(all),
        _ => Err(errors::invalid(format!("A notification rule can have at most {MAX_OF_RULE} event types"))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(source: &str, detail_type: &str, detail: Value) -> Vec<&'static str> {
        let (source, detail_type) = (source.to_owned(), detail_type.to_owned());
        of(&Event { source, detail_type, resources: Vec::new(), detail })
    }

    #[test]
    fn the_table_is_sorted_and_says_each_id_once() {
        assert!(EVENT_TYPES.is_sorted_by(|a, b| a.id < b.id));
    }

    #[test]
    fn an_approval_that_begins_is_needed_and_an_action_that_has_started() {
        let approval = json!({"state": "STARTED", "type": {"category": "Approval"}});
        assert_eq!(
            event("aws.codepipeline", ACTION, approval),
            ["codepipeline-pipeline-action-execution-started", "codepipeline-pipeline-manual-approval-needed"]
        );
        let build = json!({"state": "FAILED", "type": {"category": "Build"}});
        assert_eq!(event("aws.codepipeline", ACTION, build), ["codepipeline-pipeline-action-execution-failed"]);
    }

    #[test]
    fn each_event_of_the_services_is_told_of_by_its_own_type() {
        for (source, detail_type, detail, id) in [
            (
                "aws.codepipeline",
                PIPELINE,
                json!({"state": "SUPERSEDED"}),
                "codepipeline-pipeline-pipeline-execution-superseded",
            ),
            ("aws.codepipeline", STAGE, json!({"state": "RESUMED"}), "codepipeline-pipeline-stage-execution-resumed"),
            ("aws.codebuild", BUILD, json!({"build-status": "TIMED_OUT"}), "codebuild-project-build-state-failed"),
            (
                "aws.codebuild",
                PHASE,
                json!({"completed-phase-status": "SUCCEEDED"}),
                "codebuild-project-build-phase-success",
            ),
            (
                "aws.codecommit",
                REFERENCE,
                json!({"event": "referenceDeleted"}),
                "codecommit-repository-branches-and-tags-deleted",
            ),
        ] {
            assert_eq!(event(source, detail_type, detail), [id]);
        }
        assert!(event("mine", PIPELINE, json!({"state": "FAILED"})).is_empty());
        assert!(event("aws.codepipeline", PIPELINE, json!({"state": "STOPPING"})).is_empty());
    }
}
