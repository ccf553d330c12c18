//! The batch build: a buildspec's `batch` section, planned into builds that depend on one another.
//!
//! ```text
//!  Submitted --Start--> ReadingSpec --SpecRead--> InProgress --last BuildEnded--> Combining --Combined--> Completed
//!      |  (the buildspec is at hand:)                 ^ |  |                                                ^
//!      '----------------------------------------------' |  '---(nothing to combine, or failed)--------------|
//!                                                       '--Stop, DeadlinePassed, a failure with fast-fail--> Stopping
//!                                                                                   last BuildEnded ---------'
//!  Completed --Retry--> InProgress (or ReadingSpec, when there was never a plan)
//! ```
//!
//! Rules of AWS that stand here (`batch-build-buildspec` and `batch-build` in the user guide)
//! * A build begins when all builds that it depends on have succeeded, or failed with `ignore-failure`.
//! * Without `fast-fail` a failure lets the others go on; what depends on it never begins. With it they are stopped.
//! * `RETRY_FAILED_BUILDS` runs again what has not succeeded; a build that is replaced joins `priorBuildSummaryList`.
//! * The batch's time limit counts from submission.
//!
//! Builds are started by effect and heard by tell; their ids derive from the batch, the identifier and the attempt, so
//! that the batch knows them before they exist.
//!
//! Deviation: the batch's buildspec is read by the service and not by a build of its own, so there is no build group
//! DOWNLOAD_SOURCE.
//!
//! Deviation: the identifiers of a matrix and of a fan-out are `build0`, `build1` and so on.
//!
//! Deviation: the S3 artifacts of a batch's build lie in a folder named after its identifier, unless a folder with the
//! build's id stands there; combined ones keep that folder inside the one archive.

mod child;
mod effect;
mod event;
mod input;
mod on;
mod plan;
mod request;
mod state;
mod step;
mod turn;

pub use child::child;
pub use effect::{BatchEffect, CombinePart, RunningBuild};
pub use input::{BatchInput, BuildEnd, SpecText};
pub use plan::{MAX_BUILDS, Overrides, PlannedBuild, Shard, plan};
pub use request::{BatchRequest, Restrictions};
pub use state::{BatchPhase, BatchPhaseRecord, BatchState, BuildRun, Ending, Group, GroupState, Stage};
pub use step::{BatchRefusal, BuildBatch};
