//! IAM policy documents: the grammar of
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>, with AWS's own
//! wording for what is malformed.

mod condition;
mod document;
mod error;
mod parse;

pub use condition::{Condition, Operator, Quantifier};
pub use document::{Actions, Document, Effect, PrincipalPattern, Principals, Resources, Statement};
pub use error::PolicyError;
pub use parse::{Kind, parse};
