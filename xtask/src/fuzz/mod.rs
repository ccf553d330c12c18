//! `cargo xtask fuzz`: the targets of the crate `fuzz` under libFuzzer, one after another.
//!
//! libFuzzer finds its way by what is covered. The counters come from LLVM and need no nightly compiler; libFuzzer itself
//! is built from source by the crate `libfuzzer-sys`. All of it lies below `target/fuzz`, so that nothing else is built
//! anew: the program, what was found to be interesting (`corpus/`), findings and what libFuzzer said.

mod findings;
mod plan;

pub use plan::{Arguments, run};
