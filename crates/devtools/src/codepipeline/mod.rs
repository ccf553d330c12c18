//! CodePipeline: declarations, executions, approvals, transitions, and starts by source events.
//!
//! Every execution is one row of the `pipeline_execution` machine; each pipeline's gates are one row of the
//! `pipeline` machine (see `engine::pipeline`). Get* and List* read these rows; there is no second copy.

pub mod acknowledge_job;
pub mod acknowledge_third_party_job;
mod action_types;
#[cfg(test)]
mod approval_tests;
mod change;
mod condition_view;
pub mod create_custom_action_type;
pub mod create_pipeline;
pub mod delete_custom_action_type;
pub mod delete_pipeline;
pub mod delete_webhook;
mod deliver_webhook;
pub mod deregister_webhook_with_third_party;
pub mod disable_stage_transition;
pub mod emit_pipeline;
pub mod enable_stage_transition;
mod errors;
pub mod get_action_type;
pub mod get_job_details;
pub mod get_pipeline;
pub mod get_pipeline_execution;
pub mod get_pipeline_state;
pub mod get_third_party_job_details;
pub mod invoke_pipeline;
#[cfg(test)]
mod job_tests;
mod job_view;
mod list_action_executions;
pub mod list_action_types;
pub mod list_deploy_action_execution_targets;
pub mod list_pipeline_executions;
pub mod list_pipelines;
pub mod list_rule_executions;
pub mod list_rule_types;
pub mod list_tags_for_resource;
pub mod list_webhooks;
mod load;
#[cfg(test)]
mod mode_tests;
mod on_event;
pub mod override_stage_condition;
mod poll;
pub mod poll_for_jobs;
pub mod poll_for_third_party_jobs;
pub mod put_action_revision;
pub mod put_approval_result;
pub mod put_job_failure_result;
pub mod put_job_success_result;
pub mod put_third_party_job_failure_result;
pub mod put_third_party_job_success_result;
pub mod put_webhook;
mod queue_job;
pub mod register_webhook_with_third_party;
pub mod retry_stage_execution;
mod roll_back;
pub mod rollback_stage;
mod secrets;
#[cfg(test)]
mod source_tests;
#[cfg(test)]
mod stage_tests;
mod start;
pub mod start_pipeline_execution;
pub mod stop_pipeline_execution;
pub mod tag_resource;
mod tags;
#[cfg(test)]
mod tests;
mod transition;
mod trigger;
pub mod untag_resource;
pub mod update_action_type;
pub mod update_pipeline;
mod view;
pub mod webhook;
#[cfg(test)]
mod webhook_tests;

pub use acknowledge_job::acknowledge_job;
pub use acknowledge_third_party_job::acknowledge_third_party_job;
pub use create_custom_action_type::create_custom_action_type;
pub use create_pipeline::create_pipeline;
pub use delete_custom_action_type::delete_custom_action_type;
pub use delete_pipeline::delete_pipeline;
pub use delete_webhook::delete_webhook;
pub use deliver_webhook::{WebhookAnswer, WebhookDelivery, deliver_webhook, pipeline_webhook_exists};
pub use deregister_webhook_with_third_party::deregister_webhook_with_third_party;
pub use disable_stage_transition::disable_stage_transition;
pub use emit_pipeline::emit_pipeline;
pub use enable_stage_transition::enable_stage_transition;
pub use errors::CODES;
pub use get_action_type::get_action_type;
pub use get_job_details::get_job_details;
pub use get_pipeline::get_pipeline;
pub use get_pipeline_execution::get_pipeline_execution;
pub use get_pipeline_state::get_pipeline_state;
pub use get_third_party_job_details::get_third_party_job_details;
pub use invoke_pipeline::{invoke_pipeline, retry_invoked, stop_invoked};
pub use list_action_executions::list_action_executions;
pub use list_action_types::list_action_types;
pub use list_deploy_action_execution_targets::list_deploy_action_execution_targets;
pub use list_pipeline_executions::list_pipeline_executions;
pub use list_pipelines::list_pipelines;
pub use list_rule_executions::list_rule_executions;
pub use list_rule_types::list_rule_types;
pub use list_tags_for_resource::list_tags_for_resource;
pub use list_webhooks::list_webhooks;
pub use on_event::on_event;
pub use override_stage_condition::override_stage_condition;
pub use poll::{PolledSource, note_revision, polled, polled_sources};
pub use poll_for_jobs::poll_for_jobs;
pub use poll_for_third_party_jobs::poll_for_third_party_jobs;
pub use put_action_revision::put_action_revision;
pub use put_approval_result::put_approval_result;
pub use put_job_failure_result::put_job_failure_result;
pub use put_job_success_result::put_job_success_result;
pub use put_third_party_job_failure_result::put_third_party_job_failure_result;
pub use put_third_party_job_success_result::put_third_party_job_success_result;
pub use put_webhook::put_webhook;
pub use queue_job::{cancel_jobs, queue_job};
pub use register_webhook_with_third_party::register_webhook_with_third_party;
pub use retry_stage_execution::retry_stage_execution;
pub use roll_back::roll_back_failed;
pub use rollback_stage::rollback_stage;
pub use secrets::action_secret;
pub use start_pipeline_execution::start_pipeline_execution;
pub use stop_pipeline_execution::stop_pipeline_execution;
pub use tag_resource::tag_resource;
pub use trigger::{TRIGGER, weigh_trigger};
pub use untag_resource::untag_resource;
pub use update_action_type::update_action_type;
pub use update_pipeline::update_pipeline;
