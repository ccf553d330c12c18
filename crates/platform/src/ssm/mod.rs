//! Parameter Store, the part of Systems Manager that builds lean on: parameters with versions and labels.
//!
//! A parameter is a row with its newest version and its tags; each version is a row with its value. Values of type
//! SecureString are sealed under the installation's key, each for its own row ([`crate::SealingKey`]).

mod errors;
mod filter;
mod find;
mod name;
mod value;

pub mod add_tags_to_resource;
pub mod delete_parameter;
pub mod delete_parameters;
pub mod describe_parameters;
pub mod get_parameter;
pub mod get_parameter_history;
pub mod get_parameters;
pub mod get_parameters_by_path;
pub mod label_parameter_version;
pub mod list_tags_for_resource;
pub mod put_parameter;
pub mod remove_tags_from_resource;
pub mod unlabel_parameter_version;

#[cfg(test)]
mod tests;

pub use add_tags_to_resource::add_tags_to_resource;
pub use delete_parameter::delete_parameter;
pub use delete_parameters::delete_parameters;
pub use describe_parameters::describe_parameters;
pub use errors::CODES;
pub use get_parameter::get_parameter;
pub use get_parameter_history::get_parameter_history;
pub use get_parameters::get_parameters;
pub use get_parameters_by_path::get_parameters_by_path;
pub use label_parameter_version::label_parameter_version;
pub use list_tags_for_resource::list_tags_for_resource;
pub use put_parameter::put_parameter;
pub use remove_tags_from_resource::remove_tags_from_resource;
pub use unlabel_parameter_version::unlabel_parameter_version;
