//! One step in the making: phases open and close, and each closing is an event.

use base::{Effect, Step, Tell, TimerChange, Timestamp};
use serde_json::json;

use super::step::BuildBatch;
use super::{BatchEffect, BatchInput, BatchPhase, BatchPhaseRecord, BatchState, GroupState, Stage, event};
use crate::build::{BuildStatus, Context, PhaseEnd};

pub(super) struct Turn {
    pub state: BatchState,
    pub now: Timestamp,
    step: Step<BuildBatch>,
}

pub(super) const TIMER: &str = "batch";

impl Turn {
    pub fn new(state: &BatchState, now: Timestamp) -> Self {
        Turn { state: state.clone(), now, step: Step::to(state.clone()) }
    }

    pub fn open(&mut self, phase: BatchPhase, at: Timestamp) {
        self.state.phases.push(BatchPhaseRecord { phase, started: at, end: PhaseEnd::Open });
    }

    /// Closes the open phase. Times never run backwards, whatever clocks say.
    pub fn close(&mut self, status: BuildStatus, context: Option<Context>) {
        let now = self.now;
        let Some(record) = self.state.phases.last_mut().filter(|r| r.end == PhaseEnd::Open) else { return };
        record.end = PhaseEnd::Ended { at: now.max(record.started), status, context };
        let record = record.clone();
        self.step.events.push(event::phase_change(&self.state, &record));
    }

    pub fn effect(&mut self, key: String, effect: BatchEffect) {
        self.step.effects.push(Effect { key, effect });
    }

    pub fn set_timer(&mut self, at: Timestamp) {
        self.state.limit = Some(at);
        self.step.timers.push(TimerChange::set::<BuildBatch>(TIMER, at, &BatchInput::DeadlinePassed {}));
    }

    pub fn event(&mut self, event: base::Event) {
        self.step.events.push(event);
    }

    /// Ends the batch: the last phase, the last event, the parent's answer. An open phase is closed with `why`.
    pub fn complete(mut self, status: BuildStatus, why: Option<Context>) -> Step<BuildBatch> {
        let now = self.now;
        let context = why.clone();
        self.close(status, why);
        for group in &mut self.state.groups {
            if matches!(group.state, GroupState::Waiting) {
                group.state = GroupState::NeverBegan;
            }
        }
        let last = match status {
            BuildStatus::Succeeded => BatchPhase::Succeeded,
            BuildStatus::Stopped => BatchPhase::Stopped,
            BuildStatus::Failed | BuildStatus::Fault | BuildStatus::TimedOut => BatchPhase::Failed,
        };
        self.open(last, now);
        self.state.stage = Stage::Completed { status, at: now };
        self.state.limit = None;
        self.step.timers.push(TimerChange::clear(TIMER));
        self.event(event::state_change(&self.state));
        if let Some(parent) = self.state.request.parent.clone() {
            let result = result(&self.state, status, context);
            let input = json!({ "ActionFinished": { "key": parent.key, "result": result } });
            self.step.tells.push(Tell { kind: parent.kind, id: parent.id, input });
        }
        self.into_step()
    }

    pub fn into_step(mut self) -> Step<BuildBatch> {
        self.step.state = self.state;
        self.step
    }
}

/// What a pipeline's execution hears.
fn result(state: &BatchState, status: BuildStatus, context: Option<Context>) -> serde_json::Value {
    let template = &state.request.template;
    let url = format!(
        "https://console.aws.amazon.com/codebuild/home?region={}#/builds/batch/{}/view/new",
        template.scope.region, template.id
    );
    if status == BuildStatus::Succeeded {
        let builds = state.groups.iter().filter_map(|g| g.ending()).flat_map(|e| &e.artifacts);
        let artifacts: Vec<_> = builds
            .filter(|_| !state.request.combine_artifacts)
            .chain(&state.artifact)
            .map(|a| json!({ "name": a.identifier, "bucket": a.bucket, "key": a.key }))
            .collect();
        return json!({ "Succeeded": {
            "external_execution_id": template.id,
            "external_execution_url": url,
            "summary": serde_json::Value::Null,
            "output_variables": {},
            "output_artifacts": artifacts,
        } });
    }
    let mut message = format!("Batch build terminated with state: {}", status.name());
    if let Some(Context { status_code, message: why }) = context {
        message.push_str(&format!(". Code: {status_code}, Message: {why}"));
    }
    json!({ "Failed": {
        "code": "JobFailed",
        "message": message,
        "external_execution_id": template.id,
        "external_execution_url": url,
    } })
}
