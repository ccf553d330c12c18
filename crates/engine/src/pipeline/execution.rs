//! The machine of one execution.

use std::fmt;

use base::{Machine, Step, Timestamp};
use serde::{Deserialize, Serialize};

use super::{ActionEffect, Ended, ExecutionInput, ExecutionState, Phase, Will, on};

/// The machine of an execution; its row's id is the execution's id, its parent the pipeline's ARN.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Execution;

/// Why an execution does not take an input now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Refusal {
    /// `Start` came twice.
    AlreadyStarted,
    /// No action waits for this result: it came twice, or too late.
    NotWaitedFor { key: String },
    /// The gates spoke of a stage that the execution does not wait for.
    NotWaiting,
    /// The execution has ended.
    NotStoppable { status: String },
    /// It is stopping already.
    AlreadyStopping,
    /// The token is not that of the approval.
    WrongToken,
    /// Nobody decides on it any more.
    ApprovalCompleted { why: String },
    /// This principal has approved before, and others have to.
    ApprovedBefore { by: String, missing: u32 },
    /// The principal may not approve what he has brought about himself.
    SelfApproval { by: String, why: String },
    /// Nobody knows whose work it is, and who has done it may not approve it.
    AuthorUnknown { source: String, revision: Option<String> },
    /// The approval must name the revision that it is for.
    RevisionNotNamed { revision: String },
    /// An update cancels only what is under way.
    NotUnderWay,
    /// The stage cannot be retried as it stands.
    NotRetryable { why: String },
    /// The condition does not hold the execution back, or cannot be overridden.
    NotOverridable { why: String },
    /// The execution is stopping, or ends because of an update, or hands its stage over to a rollback.
    Busy,
    /// It does not wait for a rollback.
    NotHandingOver,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::AlreadyStarted => f.write_str("the execution has been started before"),
            Refusal::NotWaitedFor { key } => write!(f, "no action waits for the result of {key}"),
            Refusal::NotWaiting => f.write_str("the execution does not wait before a stage"),
            Refusal::NotStoppable { status } => write!(f, "the execution cannot be stopped: its status is {status}"),
            Refusal::AlreadyStopping => f.write_str("the execution is stopping already"),
            Refusal::WrongToken => f.write_str("the token is not that of the approval"),
            Refusal::ApprovalCompleted { why } => write!(f, "the approval has been completed: {why}"),
            Refusal::ApprovedBefore { by, missing } => {
                write!(f, "{by} has approved before; {missing} more must come from others")
            }
            Refusal::SelfApproval { by, why } => write!(f, "{by} may not approve this: {why}"),
            Refusal::AuthorUnknown { source, .. } => {
                write!(f, "nobody may approve this: who pushed the revision of source '{source}' is not known")
            }
            Refusal::RevisionNotNamed { revision } => {
                write!(f, "the approval is for revision {revision}, and its summary does not name it")
            }
            Refusal::NotUnderWay => f.write_str("the execution has ended"),
            Refusal::NotRetryable { why } => write!(f, "the stage cannot be retried: {why}"),
            Refusal::NotOverridable { why } => write!(f, "the condition cannot be overridden: {why}"),
            Refusal::NotHandingOver => f.write_str("the execution does not wait for a rollback"),
            Refusal::Busy => f.write_str("the execution is about to end"),
        }
    }
}

impl Machine for Execution {
    const KIND: &'static str = "pipeline_execution";
    type State = ExecutionState;
    type Input = ExecutionInput;
    type Effect = ActionEffect;
    type Refusal = Refusal;

    fn step(state: &ExecutionState, input: ExecutionInput, now: Timestamp) -> Result<Step<Execution>, Refusal> {
        match input {
            ExecutionInput::Start => on::start(state, now),
            ExecutionInput::Entered { stage } => on::entered(state, &stage, now),
            ExecutionInput::Superseded { by } => on::superseded(state, by, now),
            ExecutionInput::ActionStarted { key, external } => on::action_started(state, key, external, now),
            ExecutionInput::ActionFinished { key, result } => on::action_finished(state, key, result, now),
            ExecutionInput::MatrixRead { key, runs } => on::matrix_read(state, key, runs, now),
            ExecutionInput::ActionTimedOut { key } => on::action_timed_out(state, key, now),
            ExecutionInput::RuleDue { key } => on::rule_due(state, key, now),
            ExecutionInput::Approve(approval) => on::approve(state, approval, now),
            ExecutionInput::Stop { abandon: false, reason, by } => on::stop(state, reason, by, now),
            ExecutionInput::Stop { abandon: true, reason, by } => on::abandon(state, reason, by, now),
            ExecutionInput::RetryStage { stage, mode, by, parent } => {
                on::retry_stage(state, &stage, mode, (by, parent), now)
            }
            ExecutionInput::OverrideCondition { stage, kind, by } => {
                on::override_condition(state, &stage, kind, by, now)
            }
            ExecutionInput::RolledBack { by, why } => on::rolled_back(state, by, why, now),
            ExecutionInput::Cancel => on::cancel(state, now),
        }
    }

    fn status(state: &ExecutionState) -> &'static str {
        match &state.phase {
            Phase::New | Phase::Waiting { .. } => "InProgress",
            Phase::Running { will: Will::GoOn | Will::Cancel, .. } => "InProgress",
            Phase::Running { will: Will::Stop(_), .. } => "Stopping",
            Phase::Ended(Ended::Succeeded) => "Succeeded",
            Phase::HandingOver { .. } | Phase::Ended(Ended::Failed) => "Failed",
            Phase::Ended(Ended::Stopped(_)) => "Stopped",
            Phase::Ended(Ended::Superseded { .. }) => "Superseded",
            Phase::Ended(Ended::Cancelled) => "Cancelled",
        }
    }
}
