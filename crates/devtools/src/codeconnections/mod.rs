//! CodeConnections (also under its older name, CodeStar Connections): git servers elsewhere, and what is shown to them.
//!
//! AWS completes a connection in its console. Here a connection is complete when it has a login: the secret that its tag
//! `headworks:secret` names, or the source credential that was imported for servers of its kind; `anonymous` as the tag's
//! value stands for none at all. What a secret holds is never shown, and stays in Secrets Manager.

mod arn;
pub mod create_connection;
pub mod create_host;
pub mod delete_connection;
pub mod delete_host;
mod errors;
mod event;
pub mod get_connection;
pub mod get_host;
pub mod list_connections;
pub mod list_hosts;
pub mod list_tags_for_resource;
mod login;
mod provider;
mod remote;
pub mod tag_resource;
mod tags;
#[cfg(test)]
mod tests;
pub mod untag_resource;
pub mod update_host;

pub use arn::{CodeConnections, CodeStarConnections, Named};
pub use create_connection::create_connection;
pub use create_host::create_host;
pub use delete_connection::delete_connection;
pub use delete_host::delete_host;
pub use errors::CODES;
pub use event::{ConnectionAnswer, ConnectionDelivery, connection_exists, deliver_to_connection};
pub(crate) use event::{DETAIL_TYPE, SOURCE};
pub use get_connection::get_connection;
pub use get_host::get_host;
pub use list_connections::list_connections;
pub use list_hosts::list_hosts;
pub use list_tags_for_resource::list_tags_for_resource;
pub(crate) use login::SECRET;
pub use provider::ConnectionProvider;
pub use remote::{RemoteRepository, remote_repository};
pub use tag_resource::tag_resource;
pub use untag_resource::untag_resource;
pub use update_host::update_host;
