//! Performs the actions of pipelines: sources, builds, deployments.
//!
//! What may happen twice: sources and deployments write the same objects again; a build is begun, and a job
//! queued, in the transaction that says so.
//! Before anything is done, the execution is asked whether it still wants it.

mod answer;
mod artifact_file;
mod blocking;
mod build;
pub(crate) mod clone_ref;
mod codecommit;
mod deploy;
pub(crate) mod git_source;
mod invoke;
#[cfg(test)]
mod invoke_tests;
mod job;
#[cfg(test)]
mod job_tests;
mod matrix;
#[cfg(test)]
mod notice_tests;
mod performer;
mod poll;
pub(crate) mod role;
#[cfg(test)]
mod role_tests;
mod s3_source;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod trigger_tests;

pub use performer::{PipelinePerformer, PipelineStarter, TriggerPerformer};
pub(crate) use performer::{Trouble, failed};
pub use poll::PollSweep;
