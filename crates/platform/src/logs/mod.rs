//! CloudWatch Logs: groups, streams and their events.
//!
//! Events lie in one table, in the order of their time and then of their arrival; tokens are places in that order, so
//! that a reader who comes back with one gets what was written since, and nothing twice. A group's retention hides
//! events at once and [`sweep`] removes them. Builds write with [`append`], in the transaction of whatever else they
//! record.

mod append;
pub mod errors;
mod find;
mod scan;
mod sweep;
mod token;

pub mod create_log_group;
pub mod create_log_stream;
pub mod delete_log_group;
pub mod delete_log_stream;
pub mod delete_retention_policy;
pub mod describe_log_groups;
pub mod describe_log_streams;
pub mod filter_log_events;
pub mod get_log_events;
pub mod list_tags_for_resource;
pub mod list_tags_log_group;
pub mod put_log_events;
pub mod put_retention_policy;
pub mod tag_log_group;
pub mod tag_resource;
pub mod untag_log_group;
pub mod untag_resource;

#[cfg(test)]
mod tests;

pub use append::{LogEvents, append};
pub use create_log_group::create_log_group;
pub use create_log_stream::create_log_stream;
pub use delete_log_group::delete_log_group;
pub use delete_log_stream::delete_log_stream;
pub use delete_retention_policy::delete_retention_policy;
pub use describe_log_groups::describe_log_groups;
pub use describe_log_streams::describe_log_streams;
pub use errors::CODES;
pub use filter_log_events::filter_log_events;
pub use get_log_events::get_log_events;
pub use list_tags_for_resource::list_tags_for_resource;
pub use list_tags_log_group::list_tags_log_group;
pub use put_log_events::put_log_events;
pub use put_retention_policy::put_retention_policy;
pub use sweep::sweep;
pub use tag_log_group::tag_log_group;
pub use tag_resource::tag_resource;
pub use untag_log_group::untag_log_group;
pub use untag_resource::untag_resource;
