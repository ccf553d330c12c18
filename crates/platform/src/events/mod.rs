//! EventBridge: rules on the default event bus, by pattern or by schedule, and their targets.
//!
//! Every event of the installation is on the default bus already: it is the table that machines and operations append to. A
//! rule is a row; whether an event matches is decided when it is delivered ([`matching()`]), in the transaction that marks it
//! as delivered. What a target does with it is known to whoever owns the target (`devtools::rules`). A schedule is a machine
//! (`engine::schedule`) whose events reach the targets of its own rule alone.

mod bus;
mod errors;
mod list;
mod matching;
mod role;
mod rule;
mod schedule;
mod tags;
mod target;

pub mod delete_rule;
pub mod describe_event_bus;
pub mod describe_rule;
pub mod disable_rule;
pub mod enable_rule;
pub mod list_event_buses;
pub mod list_rule_names_by_target;
pub mod list_rules;
pub mod list_tags_for_resource;
pub mod list_targets_by_rule;
pub mod put_events;
pub mod put_rule;
pub mod put_targets;
pub mod remove_targets;
pub mod tag_resource;
pub mod test_event_pattern;
#[cfg(test)]
mod tests;
pub mod untag_resource;

pub use delete_rule::delete_rule;
pub use describe_event_bus::describe_event_bus;
pub use describe_rule::describe_rule;
pub use disable_rule::disable_rule;
pub use enable_rule::enable_rule;
pub use errors::CODES;
pub use list_event_buses::list_event_buses;
pub use list_rule_names_by_target::list_rule_names_by_target;
pub use list_rules::list_rules;
pub use list_tags_for_resource::list_tags_for_resource;
pub use list_targets_by_rule::list_targets_by_rule;
pub use matching::{Matched, Patterns, matching};
pub use put_events::put_events;
pub use put_rule::put_rule;
pub use put_targets::put_targets;
pub use remove_targets::remove_targets;
pub use schedule::replan;
pub use tag_resource::tag_resource;
pub use target::{SERVICE_ROLE_OVERRIDE, TargetInput};
pub use test_event_pattern::test_event_pattern;
pub use untag_resource::untag_resource;
