//! Secrets Manager: secrets with versions and staging labels.
//!
//! A secret is a row with an ARN that ends in six random characters; each version is a row with its sealed value and
//! its stages. `AWSCURRENT` stands on one version as soon as there is one; when it moves, `AWSPREVIOUS` follows to where
//! it came from. A deleted secret waits for its end and may be restored until then; [`sweep`] removes it afterwards.

mod errors;
mod find;
mod shape;
mod stage;
mod sweep;
mod value;

pub mod batch_get_secret_value;
pub mod create_secret;
pub mod delete_secret;
pub mod describe_secret;
pub mod get_random_password;
pub mod get_secret_value;
pub mod list_secret_version_ids;
pub mod list_secrets;
pub mod put_secret_value;
pub mod restore_secret;
pub mod tag_resource;
pub mod untag_resource;
pub mod update_secret;
pub mod update_secret_version_stage;

#[cfg(test)]
mod tests;

pub use batch_get_secret_value::batch_get_secret_value;
pub use create_secret::create_secret;
pub use delete_secret::delete_secret;
pub use describe_secret::describe_secret;
pub use errors::CODES;
pub(crate) use find::whole_arn;
pub use get_random_password::get_random_password;
pub use get_secret_value::get_secret_value;
pub use list_secret_version_ids::list_secret_version_ids;
pub use list_secrets::list_secrets;
pub use put_secret_value::put_secret_value;
pub use restore_secret::restore_secret;
pub use sweep::sweep;
pub use tag_resource::tag_resource;
pub use untag_resource::untag_resource;
pub use update_secret::update_secret;
pub use update_secret_version_stage::update_secret_version_stage;
