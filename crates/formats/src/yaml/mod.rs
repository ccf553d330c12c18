//! YAML (and so JSON) as a tree that remembers where each node stood.
//!
//! Scalars stay text: whether `3.10`, `0644` or `yes` is a number, a string or a boolean is for the reader of the
//! format to say, not for the parser. Depth and size are bounded, and aliases count what they expand to.

mod hints;
mod node;
mod parse;

pub use node::{Node, Value};
pub use parse::{MAX_DEPTH, MAX_NODES, parse};
