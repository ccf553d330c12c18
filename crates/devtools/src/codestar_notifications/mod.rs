//! Notification rules of the Developer Tools console: which events of a pipeline, a build project or a repository are told to
//! which SNS topics and chat clients (Developer Tools console User Guide, "What are notifications?").
//!
//! A rule listens to the same events as everybody else (`on_event.rs`); what it has to say becomes a notice
//! ([`crate::notices`]), which is sent once to each target.

mod arn;
pub mod create_notification_rule;
pub mod delete_notification_rule;
pub mod delete_target;
pub mod describe_notification_rule;
mod errors;
mod event_types;
mod filter;
pub mod list_event_types;
pub mod list_notification_rules;
pub mod list_tags_for_resource;
pub mod list_targets;
mod lock;
mod message;
mod on_event;
mod resource;
pub mod subscribe;
pub mod tag_resource;
mod tags;
mod target;
#[cfg(test)]
mod tests;
pub mod unsubscribe;
pub mod untag_resource;
pub mod update_notification_rule;

pub(crate) use arn::of_rule as rule_arn;
pub use create_notification_rule::create_notification_rule;
pub use delete_notification_rule::delete_notification_rule;
pub use delete_target::delete_target;
pub use describe_notification_rule::describe_notification_rule;
pub use errors::CODES;
pub use list_event_types::list_event_types;
pub use list_notification_rules::list_notification_rules;
pub use list_tags_for_resource::list_tags_for_resource;
pub use list_targets::list_targets;
pub(crate) use on_event::{concerns, rules_of, tell, that_ask};
pub use subscribe::subscribe;
pub use tag_resource::tag_resource;
pub use unsubscribe::unsubscribe;
pub use untag_resource::untag_resource;
pub use update_notification_rule::update_notification_rule;
