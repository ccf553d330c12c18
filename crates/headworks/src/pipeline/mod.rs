//! `headworks pipeline`: executions of pipelines, from the command line. Every word goes through the public API, with the
//! caller's own credentials where the environment has some.

mod approve;
mod command;
mod graph;
mod history;
mod log;
mod seen;
mod start;
mod steer;
mod watch;

pub use command::{Command, run};
