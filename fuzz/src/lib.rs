//! What strangers send, thrown at whoever reads it: buildspecs, reports, archives and the deliveries of webhooks.
//!
//! A target takes any bytes and panics where a promise is broken: of its code (`no file lands outside of the folder`),
//! not only of memory. `cargo xtask fuzz` runs the targets under libFuzzer, guided by what they cover; every test run
//! replays the seeds and what was found before (`findings/TARGET/`).

/// Compiled here by itself: the driver as a whole would take minutes to build for fuzzing, and nothing else of it is
/// wanted.
#[path = "../../crates/driver/src/archive.rs"]
pub mod archive;
mod buildspec;
mod composed;
mod extraction;
mod report;
mod seeds;
mod target;
mod webhook;

pub use seeds::seeds;
pub use target::{TARGETS, Target, target};
