//! The match.

use std::time::Duration;

use base::{Machine, Step, Tell, TimerChange, Timestamp};
use serde::{Deserialize, Serialize};

use super::{JobInput, JobPhase, JobState, JobSuccess};
use crate::pipeline::{ActionResult, Execution, ExecutionInput, External};

/// How long a worker may take to acknowledge what it was handed.
pub const LEASE: Duration = Duration::from_secs(60);
const TIMER: &str = "lease";

/// The machine of a job.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Job;

/// Why a job does not take an input now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum JobRefusal {
    #[error("the job is {status}, so it cannot be handed out")]
    NotQueued { status: String },
    #[error("the nonce is not that of the latest hand-out")]
    WrongNonce,
    #[error("the job is {status}, and takes no result")]
    NotInProgress { status: String },
    #[error("the job has ended")]
    Ended,
}

impl Machine for Job {
    const KIND: &'static str = "pipeline_job";
    type State = JobState;
    type Input = JobInput;
    type Effect = ();
    type Refusal = JobRefusal;

    fn step(state: &JobState, input: JobInput, now: Timestamp) -> Result<Step<Job>, JobRefusal> {
        match input {
            JobInput::HandOut { nonce, by } => hand_out(state, nonce, by, now),
            JobInput::LeaseEnded { nonce } => lease_ended(state, &nonce),
            JobInput::Acknowledge { nonce } => acknowledge(state, nonce),
            JobInput::Succeed(success) => succeed(state, success),
            JobInput::Continue { next, external } => go_on(state, next, external),
            JobInput::Fail { code, message, external_id } => fail(state, code, message, external_id),
            JobInput::Withdraw { message } => withdraw(state, message),
            JobInput::Cancel => cancel(state),
        }
    }

    fn status(state: &JobState) -> &'static str {
        state.phase.as_str()
    }
}

fn hand_out(state: &JobState, nonce: String, by: String, now: Timestamp) -> Result<Step<Job>, JobRefusal> {
    match &state.phase {
        JobPhase::Queued => {}
        JobPhase::Dispatched { .. }
        | JobPhase::InProgress { .. }
        | JobPhase::Succeeded
        | JobPhase::Failed
        | JobPhase::Continued { .. }
        | JobPhase::Abandoned => return Err(JobRefusal::NotQueued { status: status(state) }),
    }
    let ended = JobInput::LeaseEnded { nonce: nonce.clone() };
    let timers = vec![TimerChange::set::<Job>(TIMER, now + LEASE, &ended)];
    Ok(Step { timers, ..to(state, JobPhase::Dispatched { nonce, by }) })
}

fn lease_ended(state: &JobState, ended: &str) -> Result<Step<Job>, JobRefusal> {
    match &state.phase {
        JobPhase::Dispatched { nonce, .. } if nonce == ended => Ok(to(state, JobPhase::Queued)),
        JobPhase::Dispatched { .. } | JobPhase::InProgress { .. } | JobPhase::Queued => Err(JobRefusal::WrongNonce),
        JobPhase::Succeeded | JobPhase::Failed | JobPhase::Continued { .. } | JobPhase::Abandoned => {
            Err(JobRefusal::Ended)
        }
    }
}

/// A worker that did not hear the answer asks again, so the same nonce may acknowledge twice.
fn acknowledge(state: &JobState, given: String) -> Result<Step<Job>, JobRefusal> {
    match &state.phase {
        JobPhase::Dispatched { nonce, by } if *nonce == given => {
            let phase = JobPhase::InProgress { nonce: given, by: by.clone() };
            Ok(Step { timers: vec![TimerChange::clear(TIMER)], ..to(state, phase) })
        }
        JobPhase::InProgress { nonce, .. } if *nonce == given => Ok(Step::to(state.clone())),
        JobPhase::Queued
        | JobPhase::Dispatched { .. }
        | JobPhase::InProgress { .. }
        | JobPhase::Succeeded
        | JobPhase::Failed
        | JobPhase::Continued { .. }
        | JobPhase::Abandoned => Err(JobRefusal::WrongNonce),
    }
}

fn succeed(state: &JobState, success: JobSuccess) -> Result<Step<Job>, JobRefusal> {
    in_progress(state)?;
    let mut step = to(state, JobPhase::Succeeded);
    let external = said(&mut step.state, success.external);
    let result = ActionResult::Succeeded {
        external_execution_id: external.id,
        external_execution_url: external.url,
        summary: external.summary,
        output_variables: success.variables,
        output_artifacts: state.job.outputs.clone(),
        revision: success.revision,
    };
    step.tells.push(finished(state, result));
    Ok(step)
}

fn go_on(state: &JobState, next: String, external: External) -> Result<Step<Job>, JobRefusal> {
    in_progress(state)?;
    let mut step = to(state, JobPhase::Continued { next });
    let external = said(&mut step.state, external);
    let input = ExecutionInput::ActionStarted { key: state.job.key.clone(), external };
    step.tells.push(Tell::to::<Execution>(state.job.execution.clone(), &input));
    Ok(step)
}

fn fail(state: &JobState, code: String, message: String, external_id: Option<String>) -> Result<Step<Job>, JobRefusal> {
    in_progress(state)?;
    let mut step = to(state, JobPhase::Failed);
    let external = said(&mut step.state, External { id: external_id, ..External::default() });
    let result = ActionResult::Failed {
        code,
        message,
        external_execution_id: external.id,
        external_execution_url: external.url,
        summary: external.summary,
    };
    step.tells.push(finished(state, result));
    Ok(step)
}

fn withdraw(state: &JobState, message: String) -> Result<Step<Job>, JobRefusal> {
    match &state.phase {
        JobPhase::Queued | JobPhase::Dispatched { .. } => {}
        JobPhase::InProgress { .. }
        | JobPhase::Succeeded
        | JobPhase::Failed
        | JobPhase::Continued { .. }
        | JobPhase::Abandoned => return Err(JobRefusal::NotQueued { status: status(state) }),
    }
    let mut step = Step { timers: vec![TimerChange::clear(TIMER)], ..to(state, JobPhase::Failed) };
    step.tells.push(finished(
        state,
        ActionResult::Failed {
            code: "ConfigurationError".to_owned(),
            message,
            external_execution_id: None,
            external_execution_url: None,
            summary: None,
        },
    ));
    Ok(step)
}

fn cancel(state: &JobState) -> Result<Step<Job>, JobRefusal> {
    match &state.phase {
        JobPhase::Queued | JobPhase::Dispatched { .. } | JobPhase::InProgress { .. } => {
            Ok(Step { timers: vec![TimerChange::clear(TIMER)], ..to(state, JobPhase::Abandoned) })
        }
        JobPhase::Continued { next } => {
            let tells = vec![Tell::to::<Job>(next.clone(), &JobInput::Cancel)];
            Ok(Step { tells, ..Step::to(state.clone()) })
        }
        JobPhase::Succeeded | JobPhase::Failed | JobPhase::Abandoned => Err(JobRefusal::Ended),
    }
}

fn in_progress(state: &JobState) -> Result<(), JobRefusal> {
    match state.phase {
        JobPhase::InProgress { .. } => Ok(()),
        JobPhase::Queued
        | JobPhase::Dispatched { .. }
        | JobPhase::Succeeded
        | JobPhase::Failed
        | JobPhase::Continued { .. }
        | JobPhase::Abandoned => Err(JobRefusal::NotInProgress { status: status(state) }),
    }
}

/// Notes what the worker says of its work; what it leaves out stays as it was.
fn said(state: &mut JobState, news: External) -> External {
    let before = state.external.clone();
    let id = news.id.or(before.id);
    let url = state.job.execution_url(id.as_deref());
    let (summary, percent) = (news.summary.or(before.summary), news.percent.or(before.percent));
    state.external = External { id, url, summary, percent, ..External::default() };
    state.external.clone()
}

fn finished(state: &JobState, result: ActionResult) -> Tell {
    let input = ExecutionInput::ActionFinished { key: state.job.key.clone(), result };
    Tell::to::<Execution>(state.job.execution.clone(), &input)
}

fn to(state: &JobState, phase: JobPhase) -> Step<Job> {
    Step::to(JobState { phase, ..state.clone() })
}

fn status(state: &JobState) -> String {
    state.phase.as_str().to_owned()
}
