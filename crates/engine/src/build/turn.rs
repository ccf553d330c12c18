//! One step in the making: phases open and close, and each closing is an event.

use std::time::Duration;

use base::{Effect, Machine, Step, Tell, TimerChange, Timestamp};
use serde_json::json;

use super::step::Build;
use super::{
    BuildEffect, BuildInput, BuildState, BuildStatus, Context, Phase, PhaseEnd, PhaseRecord, Purpose, Stage, event,
};
use crate::build_batch::{BatchInput, BuildBatch, BuildEnd};
use crate::build_queue::{BuildQueue, QueueInput, queue_id};

pub(super) struct Turn {
    pub state: BuildState,
    pub now: Timestamp,
    step: Step<Build>,
}

/// Executors keep the job's own time limit; this much later nobody can be at work any more.
const GRACE: Duration = Duration::from_secs(60);
pub(super) const QUEUE_TIMER: &str = "queue";
pub(super) const BUILD_TIMER: &str = "build";

impl Turn {
    pub fn new(state: &BuildState, now: Timestamp) -> Self {
        Turn { state: state.clone(), now, step: Step::to(state.clone()) }
    }

    /// Opens `phase`, unless it has a record already.
    pub fn open(&mut self, phase: Phase, at: Timestamp) {
        if !self.state.phases.iter().any(|record| record.phase == phase) {
            self.state.phases.push(PhaseRecord { phase, started: at, end: PhaseEnd::Open });
        }
    }

    /// Closes the open phase. Times never run backwards, whatever clocks say.
    pub fn close(&mut self, at: Timestamp, status: BuildStatus, context: Option<Context>) {
        let Some(record) = self.state.phases.last_mut().filter(|r| r.end == PhaseEnd::Open) else { return };
        let at = at.max(record.started);
        record.end = PhaseEnd::Ended { at, status, context };
        let record = record.clone();
        self.step.events.push(event::phase_change(&self.state, &record));
    }

    /// Closes the open phase as succeeded.
    pub fn pass(&mut self, at: Timestamp) {
        self.close(at, BuildStatus::Succeeded, None);
    }

    /// A phase that took no time of its own.
    pub fn instant(&mut self, phase: Phase, at: Timestamp) {
        self.open(phase, at);
        self.pass(at);
    }

    pub fn is_open(&self, phase: Phase) -> bool {
        self.state.phases.last().is_some_and(|r| r.phase == phase && r.end == PhaseEnd::Open)
    }

    pub fn has(&self, phase: Phase) -> bool {
        self.state.phases.iter().any(|r| r.phase == phase)
    }

    pub fn effect(&mut self, effect: BuildEffect) {
        self.step.effects.push(Effect { key: key(&self.state, effect.kind()), effect });
    }

    pub fn set_timer(&mut self, name: &str, at: Timestamp, input: &BuildInput) {
        self.state.facts.limit = Some(at);
        self.step.timers.push(TimerChange::set::<Build>(name, at, input));
    }

    pub fn clear_timer(&mut self, name: &str) {
        self.step.timers.push(TimerChange::clear(name));
    }

    /// Lets the queue's time run.
    pub fn limit_queue(&mut self, from: Timestamp) {
        let limit = Duration::from_secs(u64::from(self.state.request.queued_timeout_minutes) * 60);
        self.set_timer(QUEUE_TIMER, from + limit, &BuildInput::QueueTimedOut {});
    }

    /// Lets the build's time run.
    pub fn limit_build(&mut self, from: Timestamp) {
        self.state.facts.down_seconds = 0;
        self.set_timer(BUILD_TIMER, from + self.time(), &BuildInput::DeadlinePassed {});
    }

    /// Lets the upload's time run, from now: what the job has left of the build's.
    pub fn limit_upload(&mut self) {
        let left = self.steps_ended().zip(self.deadline()).map(|(ended, deadline)| deadline.since(ended));
        // A job may have ended while the server was down.
        let left = left.unwrap_or_default().clamp(GRACE, self.time());
        self.set_timer(BUILD_TIMER, self.now + left, &BuildInput::DeadlinePassed {});
    }

    /// The build's own time, executors' leeway included.
    fn time(&self) -> Duration {
        Duration::from_secs(u64::from(self.state.request.timeout_minutes) * 60) + GRACE
    }

    /// When the build's own time is over.
    fn deadline(&self) -> Option<Timestamp> {
        let begun = self.state.phases.iter().find(|record| record.phase == Phase::Provisioning)?.started;
        Some(begun + self.time() + Duration::from_secs(self.state.facts.down_seconds))
    }

    /// When the last step of the job that ended did so.
    fn steps_ended(&self) -> Option<Timestamp> {
        let ended = |record: &PhaseRecord| match record.end {
            PhaseEnd::Ended { at, .. } if Phase::of_step(record.phase.name()).is_some() => Some(at),
            PhaseEnd::Ended { .. } | PhaseEnd::Open => None,
        };
        self.state.phases.iter().rev().find_map(ended)
    }

    /// Whether the job's last step ended before the build's time was over.
    pub fn steps_ended_in_time(&self) -> bool {
        self.steps_ended().zip(self.deadline()).is_none_or(|(ended, deadline)| ended <= deadline)
    }

    /// A job's end may be heard long after it came, when the server was down. What it left of the build's time is the
    /// upload's, counted from now.
    pub fn leave_time_for_upload(&mut self) {
        if self.deadline().is_some_and(|deadline| deadline < self.now + GRACE) || self.state.is_stopping() {
            self.limit_upload();
        }
    }

    pub fn event(&mut self, event: base::Event) {
        self.step.events.push(event);
    }

    pub fn tell(&mut self, tell: Tell) {
        self.step.tells.push(tell);
    }

    /// Ends the build: FINALIZING, COMPLETED, the last event, the parent's answer, the clean-up.
    pub fn complete(mut self, status: BuildStatus, lines: Vec<String>) -> Step<Build> {
        let now = self.now;
        if self.state.request.purpose == Purpose::Build {
            self.instant(Phase::Finalizing, now);
        }
        self.open(Phase::Completed, now);
        self.state.stage = Stage::Completed { status, at: now };
        self.clear_timer(QUEUE_TIMER);
        self.clear_timer(BUILD_TIMER);
        self.state.facts.limit = None;
        self.effect(BuildEffect::Finish {
            job: self.state.request.uuid.clone(),
            work_dir: self.state.request.work_dir.clone(),
            logs: self.state.request.logs.clone(),
            lines,
            log_object: self.state.request.log_object(),
        });
        self.event(event::state_change(&self.state));
        if !self.state.request.limited_by.is_none() {
            let build = self.state.request.id.clone();
            let queue = queue_id(&self.state.request.scope);
            self.tell(Tell::to::<BuildQueue>(queue, &QueueInput::Leave { build }));
        }
        if let Some(next) = self.state.auto_retry(status) {
            self.effect(BuildEffect::AutoRetry { uuid: next });
        }
        if let Some(parent) = self.state.request.parent.clone() {
            let tell = if parent.kind == BuildBatch::KIND {
                let end = BuildEnd { status, artifacts: self.state.facts.artifacts.clone() };
                Tell::to::<BuildBatch>(parent.id, &BatchInput::BuildEnded { key: parent.key, end })
            } else {
                let input = json!({ "ActionFinished": { "key": parent.key, "result": result(&self.state, status) } });
                Tell { kind: parent.kind, id: parent.id, input }
            };
            self.tell(tell);
        }
        self.into_step()
    }

    pub fn into_step(mut self) -> Step<Build> {
        self.step.state = self.state;
        self.step
    }
}

/// The key of an effect of this build.
pub(super) fn key(state: &BuildState, kind: &str) -> String {
    format!("{}:{kind}", state.request.uuid)
}

fn result(state: &BuildState, status: BuildStatus) -> serde_json::Value {
    let request = &state.request;
    let url = format!(
        "https://console.aws.amazon.com/codebuild/home?region={}#/builds/{}/view/new",
        request.scope.region, request.id
    );
    if status == BuildStatus::Succeeded {
        let artifacts: Vec<_> = state
            .facts
            .artifacts
            .iter()
            .map(|a| json!({ "name": a.identifier, "bucket": a.bucket, "key": a.key }))
            .collect();
        return json!({ "Succeeded": {
            "external_execution_id": request.id,
            "external_execution_url": url,
            "summary": serde_json::Value::Null,
            "output_variables": state.facts.exported_variables,
            "output_artifacts": artifacts,
        } });
    }
    let mut message = format!("Build terminated with state: {}", status.name());
    if let Some((phase, context)) = state.first_failure() {
        let Context { status_code, message: why } = context;
        message.push_str(&format!(". Phase: {}, Code: {status_code}, Message: {why}", phase.name()));
    }
    json!({ "Failed": {
        "code": "JobFailed",
        "message": message,
        "external_execution_id": request.id,
        "external_execution_url": url,
    } })
}
