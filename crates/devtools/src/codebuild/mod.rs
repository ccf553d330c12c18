//! CodeBuild: projects and their builds.
//!
//! A build is settled once, by StartBuild (`settle`): the machine in `engine::build` gets everything that it needs and
//! never reads the project again.

pub mod batch_get_builds;
pub mod batch_get_projects;
mod begin;
mod build_view;
mod check;
pub mod create_project;
pub mod delete_project;
pub mod errors;
pub mod list_builds;
pub mod list_builds_for_project;
pub mod list_projects;
mod project;
pub mod retry_build;
mod settle;
mod shapes;
pub mod start_build;
mod start_for_pipeline;
pub mod stop_build;
#[cfg(test)]
mod tests;
pub mod update_project;

pub use batch_get_builds::batch_get_builds;
pub use batch_get_projects::batch_get_projects;
pub use create_project::create_project;
pub use delete_project::delete_project;
pub use errors::CODES;
pub use list_builds::list_builds;
pub use list_builds_for_project::list_builds_for_project;
pub use list_projects::list_projects;
pub use retry_build::retry_build;
pub use start_build::start_build;
pub use start_for_pipeline::{PipelineArtifact, StartForPipeline, start_for_pipeline};
pub use stop_build::stop_build;
pub use update_project::update_project;
