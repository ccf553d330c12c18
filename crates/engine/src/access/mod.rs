//! The access decision: the one place that says whether a principal may do something.
//!
//! Who signs with an unknown key, a wrong signature or an expired token never comes here: that is refused
//! before, when the request is authenticated. Here the question is what an authenticated principal may do.
//!
//! AWS's rules (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>), as
//! far as they are modelled: an explicit deny wins; a permissions boundary limits what identity policies give;
//! without an allow the answer is no; an account's root may do everything in its account.
//!
//! [`Enforcement::Off`] answers yes without looking at policies. It is what an installation has as long as the
//! operations do not all name their resources; the seam is called all the same.

mod condition;
mod decision;
mod matching;
mod subject;
#[cfg(test)]
mod tests;

pub use decision::{Enforcement, Policies, Request, Verdict, decide, trusts};
pub use subject::{Context, Subject, SubjectKind};
