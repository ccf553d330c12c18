//! What is measured. One file per kind of figure.

pub mod api;
pub mod executions;
pub mod jobs;
pub mod logs;
pub mod pipeline;
pub mod pure;
pub mod start;
pub mod world;
