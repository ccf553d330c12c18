//! Events of batches. AWS publishes no sample; the members are those of a build's events with the batch's names.

use base::{Event, Timestamp};
use serde_json::{Value, json};

use super::{BatchPhaseRecord, BatchState, GroupState};
use crate::build::{Context, PhaseEnd};

/// `CodeBuild Build Batch State Change`.
pub(super) fn state_change(state: &BatchState) -> Event {
    event(
        state,
        "CodeBuild Build Batch State Change",
        json!({
            "build-batch-status": state.status_name(),
            "project-name": state.request.template.project,
            "build-batch-id": state.request.arn(),
            "additional-information": additional(state),
            "current-phase": state.current_phase().name(),
            "version": "1",
        }),
    )
}

/// `CodeBuild Build Batch Phase Change`.
pub(super) fn phase_change(state: &BatchState, record: &BatchPhaseRecord) -> Event {
    let mut detail = json!({
        "completed-phase": record.phase.name(),
        "project-name": state.request.template.project,
        "build-batch-id": state.request.arn(),
        "additional-information": additional(state),
        "completed-phase-start": readable(record.started),
        "version": "1",
    });
    if let PhaseEnd::Ended { at, status, context } = &record.end {
        let context = context.as_ref().map(|Context { status_code, message }| format!("{status_code}: {message}"));
        detail["completed-phase-context"] = json!(format!("[{}]", context.unwrap_or_default()));
        detail["completed-phase-status"] = json!(status.name());
        detail["completed-phase-duration-seconds"] = json!(at.since(record.started).as_secs());
        detail["completed-phase-end"] = json!(readable(*at));
    }
    event(state, "CodeBuild Build Batch Phase Change", detail)
}

fn event(state: &BatchState, detail_type: &str, detail: Value) -> Event {
    Event {
        source: "aws.codebuild".to_owned(),
        detail_type: detail_type.to_owned(),
        resources: vec![state.request.arn()],
        detail,
    }
}

fn additional(state: &BatchState) -> Value {
    let template = &state.request.template;
    let count = |wanted: fn(&GroupState) -> bool| state.groups.iter().filter(|g| wanted(&g.state)).count();
    json!({
        "timeout-in-minutes": state.request.timeout_minutes,
        "build-batch-complete": state.completed().is_some(),
        "build-batch-number": state.request.number,
        "initiator": template.initiator,
        "build-batch-start-time": readable(template.submitted),
        "source": { "location": template.source.kind.location(), "type": template.source.kind.name() },
        "builds": state.groups.len(),
        "builds-ended": count(|state| matches!(state, GroupState::Ended(_))),
    })
}

/// `Sep 1, 2017 4:12:29 PM`.
fn readable(time: Timestamp) -> String {
    time.format("%b %-d, %Y %-I:%M:%S %p")
}
