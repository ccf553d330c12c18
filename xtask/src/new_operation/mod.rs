//! `cargo xtask new-operation SERVICE OPERATION`: the operation's file in the house form, from the model, and the lines
//! that name it.

mod form;
mod lines;
mod make;
mod names;

pub use make::{Arguments, run};
