//! Performs the effects of builds: fetch sources, run the job, store artifacts, clean up.
//!
//! What may happen twice: preparing starts afresh each time; `start` of an executor runs a job once however often it is
//! called; output is copied behind a cursor that moves in the transaction that writes the lines; uploading overwrites.

mod answer;
mod cache;
mod collect;
mod copy;
mod credentials;
#[cfg(test)]
mod disk_tests;
mod fetch;
mod finish;
mod front;
#[cfg(test)]
mod half_begun_tests;
#[cfg(test)]
mod leftover_tests;
mod log;
mod loopback;
mod performer;
mod prepare;
mod provision;
mod registry;
#[cfg(test)]
mod registry_tests;
mod report;
#[cfg(test)]
mod results_tests;
mod resume;
#[cfg(test)]
mod resume_tests;
#[cfg(test)]
mod role_tests;
mod run;
#[cfg(test)]
mod run_tests;
mod s3_log;
mod secrets;
#[cfg(test)]
mod source_tests;
mod submodules;
#[cfg(test)]
mod tests;
mod upload;

pub(crate) use collect::Ground;
pub(crate) use credentials::as_role;
pub(crate) use fetch::{download, folder as fetch_folder};
pub use performer::{BuildPerformer, SandboxPerformer};
pub(crate) use prepare::{Trouble as PrepareTrouble, remove, sources};
pub use resume::BuildResume;
pub(crate) use upload::{Trouble as UploadTrouble, one as upload_set};
