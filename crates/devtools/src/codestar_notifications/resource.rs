//! What a rule can be for.

use base::{ApiError, Arn, Scope};
use store::Tx;
use store::tables::{codebuild_project, codecommit_repository, codepipeline_pipeline};

use super::errors;

/// A kind of resource with events to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Project,
    Repository,
    Pipeline,
}

impl Kind {
    /// The service, as `ListEventTypes` spells it.
    pub fn service(self) -> &'static str {
        match self {
            Kind::Project => "CodeBuild",
            Kind::Repository => "CodeCommit",
            Kind::Pipeline => "CodePipeline",
        }
    }

    /// The resource type, as `ListEventTypes` spells it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Project => "Project",
            Kind::Repository => "Repository",
            Kind::Pipeline => "Pipeline",
        }
    }
}

/// The kind of the resource that an ARN names, which must exist in this account and region.
pub(super) async fn find(tx: &mut Tx, scope: &Scope, arn: &str) -> Result<Kind, ApiError> {
    let missing = || errors::configuration(format!("The resource {arn} does not exist, or cannot be used"));
    let parsed = Arn::parse(arn).ok_or_else(|| errors::invalid(format!("The resource {arn} is not an ARN")))?;
    if scope.arn(&parsed.service, parsed.resource.as_str()) != parsed {
        return Err(missing());
    }
    let (kind, exists) = match (parsed.service.as_str(), parsed.resource.as_str()) {
        ("codebuild", resource) => match resource.strip_prefix("project/") {
            Some(name) => (Kind::Project, codebuild_project::get(tx, scope, name).await?.is_some()),
            None => return Err(unsupported(arn)),
        },
        ("codecommit", name) => (Kind::Repository, codecommit_repository::find(tx, scope, name).await?.is_some()),
        ("codepipeline", name) if !name.contains([':', '/']) => {
            (Kind::Pipeline, codepipeline_pipeline::get(tx, scope, name).await?.is_some())
        }
        _ => return Err(unsupported(arn)),
    };
    if exists { Ok(kind) } else { Err(missing()) }
}

fn unsupported(arn: &str) -> ApiError {
    errors::invalid(format!(
        "Notification rules are for pipelines, build projects and repositories, and {arn} is none of them"
    ))
}
