//! The CodePipeline machines: [`Gates`], one per pipeline, and [`Execution`], one per execution.
//!
//! ```text
//!             Move (leave one stage, ask for the next)
//!   Execution ----------------------------------------> Gates      who is in each stage, who waits before it,
//!       ^  ^                                              |        which transitions are closed
//!       |  '---------- Entered, Superseded, Cancel -------'
//!       |
//!       |  ActionFinished, ActionStarted, approvals, timers
//!       '---- driver <---- effects: RunAction, CancelAction
//!
//!   New --Start--> Waiting(0) --Entered--> Running(0) --all groups done--> Waiting(1) ... Succeeded
//!                     |                       |--an action failed, its group at rest--> Failed
//!                     |--Superseded           |--Stop (wait), group at rest--> Stopped
//!                     |--Stop--> Stopped      |--Stop (abandon)--> Stopped at once
//!                     |                       |--an action failed, onFailure RETRY--> Running(0) again, once
//!                     |                       |--an action failed, onFailure ROLLBACK--> HandingOver(0) --RolledBack--> Failed
//!                     '--Cancel-> Cancelled   '--Cancel (definition updated), group at rest--> Cancelled
//!
//!   In mode PARALLEL: New --Start--> Running(0) --all groups done--> Running(1) ... Succeeded
//! ```
//!
//! The AWS rules that are encoded here (User Guide, "How pipeline executions work" and "Pipeline structure reference"):
//! * A stage holds one execution at a time (modes SUPERSEDED and QUEUED); a failed execution frees its stage.
//! * SUPERSEDED: one execution waits before a stage; a newer one that arrives takes its place.
//! * QUEUED: executions wait before a stage in the order in which they came to it, and none takes another's place.
//! * PARALLEL: executions do not wait for each other. They pass no gate: they go from stage to stage by themselves, have no
//!   transitions and no rollbacks, and an update of the definition, of its mode too, lets them go on as they began. The gates
//!   only know who is under way.
//! * A closed transition keeps executions waiting; they are superseded meanwhile as always.
//! * Actions of one run order run side by side; the next run order begins when all have succeeded. When one fails, the others
//!   of its run order finish, nothing further starts, and the stage has failed.
//! * A failed stage is tried again when someone asks for it, or once by itself; the execution that failed in it must still be
//!   the last one that was there. A retry by itself keeps the stage.
//! * A rollback is an execution of its own: it has one stage, and the revisions, variables and artifacts of an execution that
//!   was successful in it. It is given the stage (by hand when it is free; by itself from the execution that failed in it,
//!   which keeps it until then), so that nothing comes in between. A rollback that fails is not rolled back.
//! * A stage's conditions are checked while the execution is in it: before its first action, after its last, and when one has
//!   failed. When a rule is not met, the condition's result follows: the stage fails, is rolled back, or is skipped.
//! * An update of the definition lets running actions finish and then cancels the executions that were under way, unless they
//!   began in mode PARALLEL.
//!
//! Both machines talk by tells in the same transaction, so that no third place knows who is where.

mod action;
mod approval;
mod artifact;
mod begin;
mod child;
mod condition;
mod draft;
mod event;
mod execution;
mod gates;
mod input;
mod matrix;
mod on;
mod rule;
mod state;
mod trigger;

pub use action::{
    ActionEffect, ArtifactFile, ArtifactPlace, BatchOptions, BuildVariable, CancelAction, Commands, GitHost, RollBack,
    RunAction, Work,
};
pub use approval::{ApprovalRun, Given, is_same_principal, names_revision};
pub use artifact::artifact_key;
pub use begin::timeout_of;
pub use child::child_name;
pub use condition::{ConditionRun, ConditionStatus, RuleRun, RuleStatus};
pub use execution::{Execution, Refusal};
pub use gates::{Gate, GateInput, GateRefusal, Gates, GatesState, NewPipeline, Rush, Transition, TransitionChange};
pub use input::{
    ActionError, ActionResult, Approval, CommitOrigin, ExecutionInput, ParentRetry, Revision, SourceRevision, Verdict,
};
pub use matrix::Cell;
pub use state::{
    ActionRun, ActionStatus, Artifact, Begun, Ended, ExecutionKind, ExecutionState, External, Mode, NewExecution,
    NewRollback, NoTarget, ParentAction, Phase, RetryTrigger, Rollback, SourceOverride, StageRun, StageStatus,
    StopRequest, Trigger, Will,
};
pub use trigger::{FileFilter, GitEvent, Reaction, reaction};
