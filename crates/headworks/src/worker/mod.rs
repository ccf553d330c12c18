//! `headworks worker`: a ready worker for custom action types. It polls for jobs of one type and runs one command per job, or
//! has Jenkins do it (`jenkins`).
//!
//! It knows the server by the public API alone, so it can run anywhere; it needs no data folder of its own server. The command
//! is started as it was given, without a shell in between, and what a pipeline says reaches it in files and in variables whose
//! names begin with `HEADWORKS_`: nothing of it becomes part of a command line, and nothing of it names another variable.
//!
//! ```text
//!  poll --> acknowledge --> fetch inputs --> run the command --> store outputs --> result
//!                |                               |
//!                '--- a folder per job, from here on; what is left of one that a worker did not end is
//!                     reported as a failure by the next worker in the same place
//! ```

mod artifacts;
mod command;
mod flags;
mod folder;
mod jenkins;
mod job;
mod left;
mod objects;
mod register;
mod result;
mod serve;
#[cfg(test)]
mod tests;

pub use flags::Flags;
pub use serve::run;
