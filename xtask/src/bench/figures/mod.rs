//! What is measured. One file per kind of figure.

pub mod api;
pub mod jobs;
pub mod pipeline;
pub mod start;
pub mod world;
