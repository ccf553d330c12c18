//! The CodeBuild action: a build that knows its parent. Its end comes back as a tell.

use base::{ApiError, ErrorKind, Machine};
use devtools::codebuild::{
    self, BegunForPipeline, PipelineArtifact, PipelineCommands, StartForPipeline, start_batch_for_pipeline,
    start_for_pipeline,
};
use engine::build::Parent;
use engine::pipeline::{Artifact, CancelAction, Execution, ExecutionInput, External, RunAction, SourceRevision, Work};
use platform::Cx;
use store::outbox::{self, Claimed};
use store::{Tx, machine};

use super::{answer, failed};
use crate::PerformError;

/// Begins the build in the transaction that says so: after a crash it is there and known, or it is not there.
pub(super) async fn begin(cx: &Cx, claimed: &Claimed, run: RunAction) -> Result<(), PerformError> {
    let (inner, claimed) = (cx.clone(), claimed.clone());
    let begun = cx.store.write(move |tx| {
        let (cx, claimed, run) = (inner.clone(), claimed.clone(), run.clone());
        Box::pin(async move { begin_in(tx, &cx, &claimed, run).await })
    });
    begun.await.map_err(|e: ApiError| PerformError::new("begin the build of a pipeline", e))
}

async fn begin_in(tx: &mut Tx, cx: &Cx, claimed: &Claimed, run: RunAction) -> Result<(), ApiError> {
    // Who stops it meanwhile stops the build, and must find it.
    let row = machine::get_locked::<Execution>(tx, &claimed.machine_id).await?;
    if let Some(row) = row.filter(|row| row.state.wants(&claimed.key)) {
        let revisions = row.state.source_revisions;
        let key = claimed.key.clone();
        let batch = match &run.work {
            Work::CodeBuild { batch, .. } => *batch,
            Work::CodeCommitSource { .. }
            | Work::GitSource { .. }
            | Work::S3Source { .. }
            | Work::S3Deploy { .. }
            | Work::Call { .. }
            | Work::InvokePipeline { .. }
            | Work::ReadMatrix(_)
            | Work::CloudWatchAlarm { .. }
            | Work::LambdaInvoke { .. }
            | Work::Worker { .. } => None,
        };
        let request = request(claimed, run, &revisions)?;
        let (begun, kind) = match batch {
            None => (start_for_pipeline(tx, cx, request).await, "builds"),
            Some(options) => {
                (start_batch_for_pipeline(tx, cx, request, options.combine_artifacts).await, "builds/batch")
            }
        };
        let input = match begun {
            Ok(BegunForPipeline { id, log_stream }) => {
                let url = format!(
                    "https://{0}.console.aws.amazon.com/codebuild/home?region={0}#/{kind}/{id}/view/new",
                    cx.scope().region
                );
                ExecutionInput::ActionStarted {
                    key,
                    external: External { id: Some(id), url: Some(url), log_stream, ..External::default() },
                }
            }
            Err(e) if e.kind == ErrorKind::Client => {
                let message = format!("Error calling startBuild: {} (Error Code: {})", e.message, e.code);
                ExecutionInput::ActionFinished { key, result: failed("ConfigurationError", message) }
            }
            Err(e) => return Err(e),
        };
        answer::step(tx, &claimed.machine_id, input).await?;
    }
    outbox::finish(tx, claimed).await?;
    Ok(())
}

fn request(claimed: &Claimed, run: RunAction, revisions: &[SourceRevision]) -> Result<StartForPipeline, ApiError> {
    let Work::CodeBuild { project, primary, environment, batch: _, commands } = run.work else {
        return Err(ApiError::internal("a build was asked for by an action of another kind"));
    };
    let artifact = |a: &Artifact, primary: bool| PipelineArtifact {
        name: a.name.clone(),
        bucket: a.bucket.clone(),
        key: a.key.clone(),
        primary,
        revision: revisions.iter().find(|r| r.artifact == a.name).map(|r| r.revision.id.clone()),
    };
    let is_primary = |a: &Artifact| primary.as_deref() == Some(a.name.as_str());
    let main = run.inputs.iter().find(|a| is_primary(a)).or(run.inputs.first());
    let source_version = main.map(|a| format!("arn:aws:s3:::{}/{}", a.bucket, a.key));
    let variables = serde_json::to_value(environment).and_then(serde_json::from_value).map_err(ApiError::internal)?;
    Ok(StartForPipeline {
        project_name: project,
        commands: commands.map(|work| PipelineCommands { work, role_arn: run.role_arn, action_execution: run.id }),
        pipeline_name: run.pipeline,
        pipeline_region: claimed.scope.region.clone(),
        effect_key: claimed.key.clone(),
        inputs: run.inputs.iter().map(|a| artifact(a, is_primary(a))).collect(),
        outputs: run.outputs.iter().map(|a| artifact(a, false)).collect(),
        variables,
        source_version,
        encryption_key: run.encryption_key,
        parent: Parent { kind: Execution::KIND.to_owned(), id: claimed.machine_id.clone(), key: claimed.key.clone() },
    })
}

/// Stops a build that is no longer wanted. Without an id it never began, and will not: nobody wants it.
pub(super) async fn cancel(cx: &Cx, claimed: &Claimed, cancel: CancelAction) -> Result<(), PerformError> {
    if let Some(id) = cancel.external_id {
        let stopped = match codebuild::stop_build(cx, codebuild::stop_build::Input { id: id.clone() }).await {
            // The id of a batch looks like that of a build.
            Err(e) if e.code == "ResourceNotFoundException" => {
                codebuild::stop_build_batch(cx, codebuild::stop_build_batch::Input { id }).await.map(|_| ())
            }
            other => other.map(|_| ()),
        };
        match stopped {
            Ok(()) => {}
            Err(e) if e.kind == ErrorKind::Client => {
                tracing::info!(error = %e, effect.key = %claimed.key, "a build that was to be stopped is gone");
            }
            Err(e) => return Err(PerformError::new("stop a pipeline's build", e)),
        }
    }
    answer::done(cx, claimed).await
}
