//! Parsing the command line and choosing what to do.

mod check;
mod command_line;
mod config;
mod env;
mod error;
mod logs;
mod output;
mod seed;
mod status;

pub use command_line::main;
pub use error::CliError;
pub use output::{Output, say};
