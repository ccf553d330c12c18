//! `headworks worker --jenkins URL`: jobs of an action type become builds of Jenkins, by Jenkins's own HTTP API.
//!
//! The action's key `ProjectName` names the Jenkins job, as AWS's integration has it; its other keys are parameters of the
//! build. What has been asked of Jenkins stands in the job's folder before and after it is asked, and the build carries the
//! job's id, if the Jenkins job declares a parameter for it: so a worker that was killed finds its build again.

mod project;
mod run;
mod server;
mod settle;
mod stage;
#[cfg(test)]
mod tests;

pub(super) use run::Run;
pub(super) use server::Jenkins;
