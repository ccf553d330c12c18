//! The developer tools themselves: what the product is for. Knows no HTTP.

pub mod codebuild;
pub mod codecommit;
pub mod codeconnections;
pub mod codepipeline;
pub mod codestar_notifications;
pub mod needs;
pub mod notices;
pub mod rules;
