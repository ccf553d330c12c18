//! What each operation needs: the actions that policies name it by, and the resources that it is about.
//!
//! A table per service, by the tables of
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>.
//! The tables of the developer tools are in `devtools::needs`; the registry of operations puts all together. An operation that
//! stands in no table is refused to builds unless a policy allows it on `*`, and a test names it.

mod asked;
pub mod events;
pub mod iam;
pub mod logs;
pub mod s3;
pub mod secretsmanager;
pub mod ssm;
pub mod sts;
#[cfg(test)]
mod tests;

pub use asked::{Asked, Need};
