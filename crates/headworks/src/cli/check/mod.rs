//! `headworks check` and `headworks schema`: files that users write, looked at before anything runs. No server is needed.

mod codes;
mod command;
mod kind;
mod output;
mod sarif;
mod schema;

pub use command::{Flags, run};
pub use schema::{Flags as SchemaFlags, run as schema};
