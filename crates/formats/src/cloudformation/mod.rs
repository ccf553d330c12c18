//! CloudFormation templates, as far as their values are settled before they are deployed.

mod conditions;
mod functions;
mod open;
mod template;

pub use open::{is_open, open, readable, worded};
pub use template::{Resource, Template};
