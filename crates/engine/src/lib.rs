//! Pure state machines and planners: they decide, and others do. No I/O, no clock, no randomness.

pub mod access;
pub mod build;
pub mod build_batch;
pub mod build_queue;
pub mod command_execution;
pub mod job;
pub mod pipeline;
pub mod sandbox;
pub mod schedule;
pub mod webhook;
