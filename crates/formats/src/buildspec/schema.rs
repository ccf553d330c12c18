//! A JSON Schema for editors.

/// The schema, draft 2020-12. It says what a file may hold; what depends on other parts of the file (a task that depends
/// on one that is not there) only [`read`](super::read) finds.
pub const SCHEMA: &str = include_str!("schema.json");
