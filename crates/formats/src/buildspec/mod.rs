//! The buildspec of CodeBuild, versions 0.2 and 0.1, as YAML or JSON.
//!
//! Lenient where CodeBuild is: a single value stands for a list of one, null commands are no commands, CRLF and a
//! byte order mark are read, unknown keys are warnings. An unknown phase is an error: its commands would be lost.
//! Follows <https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html>.

mod artifacts;
mod document;
mod env;
mod phases;
mod reader;
mod spec;

pub use document::read;
pub use spec::{ArtifactSpec, Artifacts, Buildspec, Env, OnFailure, Phase, PhaseName, SecretReference, Shell, Version};
