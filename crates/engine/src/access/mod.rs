//! The access decision: the one place that says whether a principal may do something.
//!
//! Who signs with an unknown key, a wrong signature or an expired token never comes here: that is refused
//! before, when the request is authenticated. Here the question is what an authenticated principal may do.
//!
//! AWS's rules (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>), as
//! far as they are modelled: an explicit deny wins; a permissions boundary limits what identity policies give;
//! without an allow the answer is no; an account's root may do everything in its account.
//!
//! Deviation: [`Enforcement::Builds`] is what an installation has: only what runs inside a build is held to its policies, because
//! it is code that came with a push. People and programs with a key of the account may do everything in it.

mod condition;
mod decision;
mod matching;
mod subject;
#[cfg(test)]
mod tests;

pub use decision::{Enforcement, Policies, Request, Verdict, decide, trusts};
pub use subject::{Context, Subject, SubjectKind};
