//! Everything that lasts: SQL tables on SQLite or PostgreSQL, objects on disk, and `advance`, the one way
//! in which an execution changes state. The only crate that knows SQL.

mod advance;
mod clear;
mod db;
mod due;
mod error;
pub mod events;
mod kept;
pub mod line;
pub mod machine;
mod machines;
mod migrations;
pub mod objects;
pub mod outbox;
pub mod owners;
mod postgres;
pub mod setback;
mod sql;
mod sqlite;
pub mod tables;
pub mod testing;
pub mod timers;
mod transitions;
mod tx;
mod url;
mod write;

pub use advance::{AdvanceError, Advanced, advance, replay};
pub use db::{Store, StoreOptions};
pub use due::{Due, due};
pub use error::Error;
pub use machines::Machines;
pub use sql::{Arg, SqlRow};
pub use tx::{Dialect, Tx};
pub use url::masked_url;
