//! The buildspec of CodeBuild, versions 0.2 and 0.1, as YAML or JSON.
//!
//! Lenient where CodeBuild is: a single value stands for a list of one, null commands are no commands, CRLF and a
//! byte order mark are read, unknown keys are warnings. An unknown phase is an error: its commands would be lost.
//! What CodeBuild accepts and we cannot do is read; whoever runs the buildspec refuses it by name.
//! Follows <https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html> and
//! <https://docs.aws.amazon.com/codebuild/latest/userguide/batch-build-buildspec.html>.

mod artifacts;
mod batch;
mod batch_graph;
mod batch_spec;
mod cache;
mod cache_spec;
mod codes;
mod document;
mod env;
mod on_failure;
mod phases;
mod reader;
mod report_spec;
mod reports;
mod schema;
mod secret_place;
mod spec;

pub use batch_spec::{Batch, BatchEnv, BatchFanout, BatchKind, BatchMatrix, BatchTask, MAX_BATCH_BUILDS};
pub use cache_spec::{Cache, CacheAction};
pub use codes::{CODES, explain};
pub use document::read;
pub use report_spec::{Report, ReportFormat};
pub use schema::SCHEMA;
pub use secret_place::SecretPlace;
pub use spec::{
    ArtifactSpec, Artifacts, Buildspec, Env, OnFailure, Phase, PhaseName, Proxy, Retry, SecretReference, Shell, Version,
};
