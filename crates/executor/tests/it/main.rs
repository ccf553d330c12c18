//! The executors against their contract, and the host executor against the machine.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must panic")]

mod container;
mod contract;
mod engine;
mod host_isolation;
mod host_limits;
mod host_orders;
mod host_recovery;
mod host_shell;
mod host_steps;
mod host_words;
mod nested;
mod registry;
mod rig;
mod slow_engine;
mod unprivileged;
