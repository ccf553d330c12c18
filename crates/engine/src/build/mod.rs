//! The build: from StartBuild to its last phase.
//!
//! ```text
//!  (a build that a limit concerns: Submitted --Start--> AwaitingSlot --Admitted--> Queued)
//!
//!  Submitted --Start--> Queued --Began--> Preparing --Prepared--> Running --JobEnded--> Uploading --Uploaded--> Completed
//!                         |  (nothing to fetch and the buildspec at hand:)   ^   |  |                             ^
//!                         '----------------------Began-----------------------'   |  '---(nothing to upload)-------|
//!                         '--QueueTimedOut, Stop------------------------------------------------------------------|
//!                                   Preparing, Uploading: Stop, DeadlinePassed, DiskFull -------------------------|
//!                                                         Running --Stop--> Stopping --JobEnded-------------------|
//!                                                             Cut --Stop--> Stopping
//!                                     Running --DeadlinePassed, DiskFull--> Cut --JobEnded------------------------'
//!                                       (a job that had finished before it was cut goes on as if Running)
//! ```
//!
//! Rules of AWS that stand here
//! * INSTALL or PRE_BUILD failed: nothing of the rest runs. BUILD failed: POST_BUILD still runs and UPLOAD_ARTIFACTS
//!   is still attempted (`view-build-details-phases` in the user guide). `on-failure` changes the first, not the second.
//! * The build time limit counts from PROVISIONING, the queue's from submission.
//! * Variables: StartBuild before project before buildspec; values are literal. Those that are kept in Parameter Store
//!   or Secrets Manager are read when the job starts; while they are, the build is in DOWNLOAD_SOURCE.
//!
//! Deviation: a phase that failed with `on-failure: CONTINUE` lets the next phases run, and the build still ends FAILED.
//!
//! Deviation: `on-failure: RETRY` runs the phase again, `finally` included, and not the whole build; its pattern is looked
//! for in the error message and in the last 64 KiB that the phase has written.

mod artifacts;
mod effect;
mod event;
mod git_credentials;
mod input;
mod narrate;
mod on;
mod outside;
mod plan;
mod reference;
mod request;
mod results;
mod runtimes;
mod state;
mod step;
#[cfg(test)]
pub(crate) mod tests;
mod turn;
mod unheeded;

pub use artifacts::{ArtifactPlan, FileMatcher, Packaging, destination_key};
pub use effect::BuildEffect;
pub use input::{BuildInput, SourceFailure, Sourced, UploadedArtifact};
pub use narrate::container_line;
pub use plan::{Plan, PlanError, SourceDirs, compile};
pub use reference::{Kept, PARAMETER_ERROR, Reference, SECRET_ERROR};
pub use request::{
    ArtifactTarget, AutoRetry, BatchMember, BuildspecFrom, EnvironmentVariable, GitSource, Logs, OutputArtifact,
    OutputSection, Parent, Place, Purpose, Request, Source, SourceKind, VariableKind, limits,
};
pub use results::{CachePlace, CachePlan, ReportPlan, Results};
pub use state::{BuildState, BuildStatus, Context, CutReason, DiskHold, Facts, Phase, PhaseEnd, PhaseRecord, Stage};
pub use step::{Build, BuildRefusal};
