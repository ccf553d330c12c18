//! `cargo xtask test`: everything that must hold before a change lands, in the order in which it fails fastest.

mod containers;
mod junit;
mod plan;
mod postgres;
mod tally;

pub use plan::{Arguments, run};
