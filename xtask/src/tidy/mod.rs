//! `cargo xtask tidy`: rules of the house that neither rustc nor clippy checks. One file per rule.

mod allow;
mod arrows;
mod dependencies;
mod deviations;
mod doc_paths;
mod finding;
mod length;
mod module_files;
mod rules;
mod source;
mod sql;
mod todo;
mod words;

pub use rules::run;
