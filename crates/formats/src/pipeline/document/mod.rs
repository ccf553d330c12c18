//! Pipelines in files: as the API's JSON (or the same in YAML), and as resources of CloudFormation templates.

mod codes;
mod emitted;
mod find;
mod read;
mod schema;
mod shape;
mod shapes;

pub use codes::{CODES, explain};
pub use emitted::emitted;
pub use find::{Found, in_template, read};
pub use schema::schema;

#[cfg(test)]
mod tests;
