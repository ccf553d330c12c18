//! Webhooks: from what a git server sends to the build that it starts, if it starts one.
//!
//! A delivery is read (`read`) into one shape for GitHub, GitLab and Bitbucket, and held against the webhook's filter
//! groups (`decide`): it starts a build when all filters of one group pass. A filter whose subject the delivery does
//! not tell (the files of a pull request, say) does not pass, whatever it excludes: nothing is started by ignorance.
//!
//! Follows <https://docs.aws.amazon.com/codebuild/latest/userguide/github-webhook.html> and its pages for GitLab and
//! Bitbucket.
//!
//! Deviation: patterns are regular expressions without look-around and back-references.
//!
//! Deviation: FILE_PATH does not pass for pull requests, nor for pushes at Bitbucket: their deliveries name no files, and the
//! git server is not asked for them.
//!
//! Deviation: the COMMIT_MESSAGE of a pull request is its title, which is what its delivery tells.

mod bitbucket;
mod event;
mod filter;
mod github;
mod gitlab;
mod lint;
mod read;
mod sender;
#[cfg(test)]
mod tests;

pub use event::{Approval, Delivered, PullRequest, WebhookEvent};
pub use filter::{Filter, FilterKind, Filters, PatternError, decide};
pub use lint::lint;
pub use read::{Format, read};
pub use sender::Sender;
