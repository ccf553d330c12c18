//! The CodeBuild action of a pipeline: its artifacts take the place of the project's sources and targets.

use base::{ApiError, Region};
use engine::build::{ArtifactTarget, Build, OutputArtifact, OutputSection, Parent, Place, Request, Source, SourceKind};
use engine::build_batch::BuildBatch;
use platform::Cx;
use store::{Tx, machine};

use super::begin::begin;
use super::begin_batch::{batch_request, begin_batch};
use super::project::{find, parse};
use super::settle::{Particulars, settle};
use super::shapes::EnvironmentVariable;
use super::start_build::merge;
use super::{build_view, check, commands, errors};

pub use super::commands::PipelineCommands;

/// What a pipeline's action asks for.
#[derive(Clone, Debug)]
pub struct StartForPipeline {
    pub project_name: String,
    /// Instead of a project.
    pub commands: Option<PipelineCommands>,
    pub pipeline_name: String,
    /// The action's may be another.
    pub pipeline_region: Region,
    /// The effect's key: the same key gives the same build.
    pub effect_key: String,
    /// Zips in the artifact store. One input needs no `primary` mark.
    pub inputs: Vec<PipelineArtifact>,
    /// Where the outputs are to be stored, as zips.
    pub outputs: Vec<PipelineArtifact>,
    /// `EnvironmentVariables` of the action's configuration.
    pub variables: Vec<EnvironmentVariable>,
    /// What CODEBUILD_SOURCE_VERSION says of the primary input (a commit id, or the artifact's ARN).
    pub source_version: Option<String>,
    /// The key of the artifact store counts before the project's.
    pub encryption_key: Option<String>,
    /// Whose machine hears the end.
    pub parent: Parent,
}

/// A build that was begun for a pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BegunForPipeline {
    /// `project:uuid`.
    pub id: String,
    /// The ARN of the stream of its log, where that is no project's.
    pub log_stream: Option<String>,
}

/// One artifact of an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PipelineArtifact {
    pub name: String,
    pub bucket: String,
    pub key: String,
    /// The primary source, among inputs.
    pub primary: bool,
    /// What a source action made it from: CODEBUILD_RESOLVED_SOURCE_VERSION.
    pub revision: Option<String>,
}

/// Starts the build of a pipeline's action in `tx`. Doing it twice with the same key gives the same build. An error is the
/// action's failure, in words for the user.
pub async fn start_for_pipeline(tx: &mut Tx, cx: &Cx, start: StartForPipeline) -> Result<BegunForPipeline, ApiError> {
    let uuid = base::derived_uuid(&["codebuild", &start.parent.id, &start.effect_key]).to_string();
    let project = match &start.commands {
        Some(_) => commands::project_name(&start.pipeline_name),
        None => start.project_name.clone(),
    };
    let id = format!("{project}:{uuid}");
    let of_commands = start.commands.is_some();
    let request = match machine::get::<Build>(tx, &id).await? {
        Some(row) => row.state.request,
        None => {
            let request = settled(tx, cx, start, uuid).await?;
            begin(tx, request, None).await?.request
        }
    };
    let log_stream = build_view::log_stream(&request).filter(|_| of_commands);
    Ok(BegunForPipeline { id: request.id, log_stream })
}

/// Starts a batch for a pipeline's action, otherwise as `start_for_pipeline`.
pub async fn start_batch_for_pipeline(
    tx: &mut Tx,
    cx: &Cx,
    start: StartForPipeline,
    combine_artifacts: bool,
) -> Result<BegunForPipeline, ApiError> {
    let uuid = base::derived_uuid(&["codebuild-batch", &start.parent.id, &start.effect_key]).to_string();
    let id = format!("{}:{uuid}", start.project_name);
    if machine::get::<BuildBatch>(tx, &id).await?.is_some() {
        return Ok(BegunForPipeline { id, log_stream: None });
    }
    let name = start.project_name.clone();
    let mut template = settled(tx, cx, start, uuid).await?;
    let parent = template.parent.take();
    let missing = || errors::project_not_found(&cx.arn("codebuild", format!("project/{name}")));
    let row = find(tx, cx.scope(), &name).await?.ok_or_else(missing)?;
    let mut config = parse(&row)?.build_batch_config.unwrap_or_default();
    config.combine_artifacts = Some(combine_artifacts);
    let begun = begin_batch(tx, batch_request(template, config, parent)?, None).await?;
    Ok(BegunForPipeline { id: begun.request.template.id, log_stream: None })
}

async fn settled(tx: &mut Tx, cx: &Cx, start: StartForPipeline, uuid: String) -> Result<Request, ApiError> {
    cx.room()?;
    let mut project = match &start.commands {
        Some(asked) => commands::project(cx, &start.pipeline_name, asked, !start.outputs.is_empty())?,
        None => {
            let arn = cx.arn("codebuild", format!("project/{}", start.project_name));
            let row = find(tx, cx.scope(), &start.project_name).await?;
            parse(&row.ok_or_else(|| errors::project_not_found(&arn))?)?
        }
    };
    merge(project.environment.environment_variables.get_or_insert_default(), start.variables);
    check::environment(&project.environment)?;
    let primary = start.inputs.iter().find(|a| a.primary).or_else(|| start.inputs.first());
    let primary = primary.ok_or_else(|| errors::invalid("a CodeBuild action needs an input artifact"))?;
    let particulars = Particulars {
        uuid,
        initiator: format!("codepipeline/{}", start.pipeline_name),
        parent: Some(start.parent),
        submitted: cx.now(),
    };
    // The project's own source and artifacts play no part in a pipeline.
    project.source.r#type = Some("CODEPIPELINE".to_owned());
    project.artifacts.r#type = Some("CODEPIPELINE".to_owned());
    if let Some(key) = start.encryption_key {
        project.encryption_key = key;
    }
    project.secondary_sources.clear();
    project.secondary_artifacts.clear();
    let mut request = settle(cx, &project, particulars)?;
    request.pipeline_region = Some(start.pipeline_region);
    request.source = source(primary, None);
    request.source.version = start.source_version;
    let others = start.inputs.iter().filter(|a| a.name != primary.name);
    request.secondary_sources = others.map(|a| source(a, Some(a.name.clone()))).collect();
    request.artifacts = ArtifactTarget::Pipeline(
        start
            .outputs
            .iter()
            .map(|a| OutputArtifact {
                name: a.name.clone(),
                place: Place { bucket: a.bucket.clone(), key: a.key.clone() },
                section: OutputSection::default(),
            })
            .collect(),
    );
    Ok(request)
}

fn source(artifact: &PipelineArtifact, identifier: Option<String>) -> Source {
    let place = Place { bucket: artifact.bucket.clone(), key: artifact.key.clone() };
    let kind = SourceKind::Pipeline { place, revision: artifact.revision.clone() };
    Source { identifier, kind, version: None }
}
