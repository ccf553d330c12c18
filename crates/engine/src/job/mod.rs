//! The job: one piece of an action's work, for whoever polls for it.
//!
//! ```text
//!   Queued --HandOut--> Dispatched --Acknowledge--> InProgress --Succeed--> Succeeded --.
//!     ^                    |                            |--Continue--> Continued        |   the execution hears
//!     '---- LeaseEnded ----'                            '--Fail-------> Failed ---------|   ActionFinished
//!                                                                                       |
//!   Withdraw (before it is acknowledged) --> Failed
//!   Cancel (from each state that is not an end) --> Abandoned                           '   (nobody hears)
//! ```
//!
//! Each hand-out has a nonce of its own, and only the newest acknowledges: two workers can be handed the same job, one after
//! the other, but only one can have acknowledged it. From then on nobody else is handed it, and its time is the action's.
//!
//! A worker that is not done yet answers with a continuation token: this job ends, and the next one of the same action, which
//! carries the token, begins in the same transaction (API Reference, PutJobSuccessResult).

mod input;
mod state;
mod step;
#[cfg(test)]
mod tests;

pub use input::{JobInput, JobSuccess};
pub use state::{JobArtifact, JobPhase, JobState, NewJob};
pub use step::{Job, JobRefusal, LEASE};
