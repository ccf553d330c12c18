//! `cargo xtask setup`: makes this machine able to run the tests. Safe to repeat, quick when there is nothing to do.

pub mod containers;
mod debian;
mod install;
mod nextest;
mod python;

pub use debian::postgres_folder;
pub use install::{Wanted, run};
