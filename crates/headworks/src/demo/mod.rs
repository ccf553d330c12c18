//! `headworks demo`: a push travels through a pipeline to a deployed page, on a server with data of its own.

mod example;
mod git_push;
mod story;
mod watch;

pub use story::run;
