//! `headworks demo`: a push travels through a pipeline to a deployed page, on a server with data of its own.

mod example;
mod story;
mod watch;

pub use story::run;
