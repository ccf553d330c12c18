//! What each operation of the developer tools needs; see `platform::needs`. An operation that is added gets its row here.

pub mod codebuild;
pub mod codecommit;
pub mod codeconnections;
pub mod codepipeline;
pub mod codestar_notifications;
#[cfg(test)]
mod tests;
