//! CodeBuild: projects and their builds.
//!
//! A build is settled once, by StartBuild (`settle`): the machine in `engine::build` gets everything that it needs and
//! never reads the project again.

mod badge;
pub mod batch_get_builds;
pub mod batch_get_projects;
pub mod batch_get_report_groups;
pub mod batch_get_reports;
mod begin;
mod build_view;
mod check;
pub mod create_project;
pub mod create_report_group;
pub mod delete_project;
pub mod delete_report;
pub mod delete_report_group;
pub mod delete_resource_policy;
pub mod describe_code_coverages;
pub mod describe_test_cases;
pub mod errors;
pub mod get_report_group_trend;
pub mod get_resource_policy;
pub mod invalidate_project_cache;
mod keep_report;
pub mod list_builds;
pub mod list_builds_for_project;
pub mod list_projects;
pub mod list_report_groups;
pub mod list_reports;
pub mod list_reports_for_report_group;
pub mod list_shared_projects;
pub mod list_shared_report_groups;
mod project;
pub mod put_resource_policy;
mod report;
mod report_group;
#[cfg(test)]
mod report_tests;
pub mod retry_build;
mod settle;
mod shapes;
pub mod start_build;
mod start_for_pipeline;
pub mod stop_build;
#[cfg(test)]
mod tests;
pub mod update_project;
pub mod update_report_group;

pub use badge::badge;
pub use batch_get_builds::batch_get_builds;
pub use batch_get_projects::batch_get_projects;
pub use batch_get_report_groups::batch_get_report_groups;
pub use batch_get_reports::batch_get_reports;
pub use create_project::create_project;
pub use create_report_group::create_report_group;
pub use delete_project::delete_project;
pub use delete_report::delete_report;
pub use delete_report_group::delete_report_group;
pub use delete_resource_policy::delete_resource_policy;
pub use describe_code_coverages::describe_code_coverages;
pub use describe_test_cases::describe_test_cases;
pub use errors::CODES;
pub use get_report_group_trend::get_report_group_trend;
pub use get_resource_policy::get_resource_policy;
pub use invalidate_project_cache::{cache_folder, invalidate_project_cache};
pub use keep_report::{NewReport, OpenReport, ReportContent, close_report, open_report, sweep_reports};
pub use list_builds::list_builds;
pub use list_builds_for_project::list_builds_for_project;
pub use list_projects::list_projects;
pub use list_report_groups::list_report_groups;
pub use list_reports::list_reports;
pub use list_reports_for_report_group::list_reports_for_report_group;
pub use list_shared_projects::list_shared_projects;
pub use list_shared_report_groups::list_shared_report_groups;
pub use put_resource_policy::put_resource_policy;
pub use report_group::{ReportExportConfig, S3ReportExportConfig};
pub use retry_build::retry_build;
pub use start_build::start_build;
pub use start_for_pipeline::{PipelineArtifact, StartForPipeline, start_for_pipeline};
pub use stop_build::stop_build;
pub use update_project::update_project;
pub use update_report_group::update_report_group;
