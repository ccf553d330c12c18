//! Which action of a pipeline is performed where, and what its failure means.

use super::{answer, build, codecommit, deploy, git_source, invoke, job, matrix, role, s3_source};
use std::sync::Arc;

use base::{ApiError, ErrorKind, Ids, Machine, Region};
use devtools::codepipeline;
use engine::pipeline::{ActionEffect, ActionResult, Execution, RollBack, RunAction, Work};
use formats::pipeline::Provider;
use futures_util::future::BoxFuture;
use platform::Cx;
use store::events::EventRow;
use store::outbox::{self, Claimed};
use store::{Tx, machine};

use crate::{DriverCx, PerformError, Performer, Subscriber};

/// Performs the effects of `engine::pipeline`.
#[derive(Clone, Copy, Debug, Default)]
pub struct PipelinePerformer;

/// Starts pipelines when their sources change.
#[derive(Clone)]
pub struct PipelineStarter {
    /// Salts the executions.
    pub ids: Arc<dyn Ids>,
}

impl Performer for PipelinePerformer {
    fn kind(&self) -> &'static str {
        Execution::KIND
    }

    fn perform<'a>(&'a self, cx: &'a DriverCx, claimed: &'a Claimed) -> BoxFuture<'a, Result<(), PerformError>> {
        Box::pin(effect(&cx.cx, claimed))
    }
}

impl Subscriber for PipelineStarter {
    fn name(&self) -> &'static str {
        "pipelines"
    }

    fn deliver<'a>(&'a self, tx: &'a mut Tx, event: &'a EventRow) -> BoxFuture<'a, Result<(), store::Error>> {
        Box::pin(codepipeline::on_event(tx, &*self.ids, event))
    }
}

/// Looks into repositories for what triggers ask.
#[derive(Clone, Copy, Debug, Default)]
pub struct TriggerPerformer;

impl Performer for TriggerPerformer {
    fn kind(&self) -> &'static str {
        codepipeline::TRIGGER
    }

    fn perform<'a>(&'a self, cx: &'a DriverCx, claimed: &'a Claimed) -> BoxFuture<'a, Result<(), PerformError>> {
        let weigh = |e| PerformError::new("see whether a push starts a pipeline", e);
        Box::pin(async move { codepipeline::weigh_trigger(&cx.cx, claimed).await.map_err(weigh) })
    }
}

async fn effect(cx: &Cx, claimed: &Claimed) -> Result<(), PerformError> {
    let effect = serde_json::from_value(claimed.effect.clone());
    let effect = effect.map_err(|e| PerformError::new("read a pipeline's effect", e))?;
    let there = region_of(&effect).map(|region| in_region(cx, region));
    let cx = there.as_ref().unwrap_or(cx);
    match effect {
        ActionEffect::Run(run) if wanted(cx, claimed).await? => action(cx, claimed, *run).await,
        ActionEffect::Run(_) => answer::done(cx, claimed).await,
        ActionEffect::Cancel(cancel) if cancel.provider == Provider::Worker => job::cancel(cx, claimed, &cancel).await,
        ActionEffect::Cancel(cancel) if cancel.provider == Provider::Pipeline => {
            invoke::cancel(cx, claimed, cancel).await
        }
        ActionEffect::Cancel(cancel) => build::cancel(cx, claimed, cancel).await,
        ActionEffect::RollBack(asked) => roll_back(cx, claimed, asked).await,
    }
}

fn region_of(effect: &ActionEffect) -> Option<&Region> {
    match effect {
        ActionEffect::Run(run) => run.region.as_ref(),
        ActionEffect::Cancel(cancel) => cancel.region.as_ref(),
        ActionEffect::RollBack(_) => None,
    }
}

fn in_region(cx: &Cx, region: &Region) -> Cx {
    let mut there = cx.clone();
    there.caller.scope.region = region.clone();
    there
}

/// Begins the rollback in the transaction that takes the effect out of the outbox.
async fn roll_back(cx: &Cx, claimed: &Claimed, asked: RollBack) -> Result<(), PerformError> {
    let (claimed, ids) = (claimed.clone(), cx.ids.clone());
    let begun = cx.store.write(move |tx| {
        let (claimed, asked, ids) = (claimed.clone(), asked.clone(), ids.clone());
        Box::pin(async move {
            codepipeline::roll_back_failed(tx, &*ids, &claimed.machine_id, &asked).await?;
            outbox::finish(tx, &claimed).await?;
            Ok::<_, ApiError>(())
        })
    });
    begun.await.map_err(|e| PerformError::new("begin the rollback of a stage", e))
}

async fn wanted(cx: &Cx, claimed: &Claimed) -> Result<bool, PerformError> {
    let mut tx = cx.store.read().await?;
    let row = machine::get::<Execution>(&mut tx, &claimed.machine_id).await?;
    Ok(row.is_some_and(|row| row.state.wants(&claimed.key)))
}

async fn action(cx: &Cx, claimed: &Claimed, run: RunAction) -> Result<(), PerformError> {
    let acting = match permitted(cx, claimed, &run).await {
        Ok(acting) => acting,
        Err(Trouble::Users { code, message }) => {
            return answer::finished(cx, claimed, failed(code, message)).await;
        }
        Err(Trouble::Ours(e)) => return Err(e),
    };
    let done = match &run.work {
        Work::CodeBuild { .. } => return build::begin(cx, claimed, run).await,
        Work::Worker { .. } => return job::begin(cx, claimed, run).await,
        Work::InvokePipeline { .. } => match invoke::begin((cx, &acting), claimed, &run).await {
            Ok(()) => return Ok(()),
            Err(trouble) => Err(trouble),
        },
        Work::ReadMatrix(file) => match matrix::read((cx, &acting), claimed, &run, file).await {
            Ok(()) => return Ok(()),
            Err(trouble) => Err(trouble),
        },
        Work::CodeCommitSource { repository, branch, commit, clone_ref } => {
            let commit = commit.as_deref();
            let wanted = codecommit::Wanted { repository, branch, commit, clone_ref: *clone_ref };
            codecommit::source(&acting, claimed, &run, wanted).await
        }
        Work::GitSource { host, repository, branch, commit, clone_ref } => {
            let commit = commit.as_deref();
            let wanted = git_source::Wanted { host, repository, branch, commit, clone_ref: *clone_ref };
            git_source::source((cx, &acting), claimed, &run, wanted).await
        }
        Work::S3Source { bucket, key, version } => {
            s3_source::source(&acting, &run, bucket, key, version.as_deref()).await
        }
        Work::S3Deploy { .. } => deploy::deploy(&acting, claimed, &run).await,
        Work::Call { service, operation } => Err(absent(service, operation, "The action was not done:")),
        Work::CloudWatchAlarm { alarm } => {
            Err(absent("cloudwatch", "DescribeAlarms", &format!("The rule needs alarm {alarm}, but")))
        }
        Work::LambdaInvoke { function } => {
            Err(absent("lambda", "Invoke", &format!("The rule needs function {function}, but")))
        }
    };
    match done {
        Ok(result) => answer::finished(cx, claimed, result).await,
        Err(Trouble::Users { code, message }) => answer::finished(cx, claimed, failed(code, message)).await,
        Err(Trouble::Ours(e)) => Err(e),
    }
}

/// The context in which the work is done, if whoever does it may.
async fn permitted(cx: &Cx, claimed: &Claimed, run: &RunAction) -> Result<Cx, Trouble> {
    let acting = role::acting(cx, claimed, run).await?;
    role::permitted(&acting, &run.work).await?;
    Ok(acting)
}

/// An operation that this installation does not have.
fn absent(service: &str, operation: &str, who_needs_it: &str) -> Trouble {
    Trouble::configuration(format!("{who_needs_it} the operation {service}:{operation} is not available."))
}

/// Why an action's work was not done.
pub(crate) enum Trouble {
    /// The action has failed, and its user can see why.
    Users { code: &'static str, message: String },
    /// To be tried again.
    Ours(PerformError),
}

impl Trouble {
    pub(crate) fn configuration(message: impl Into<String>) -> Self {
        Trouble::Users { code: "ConfigurationError", message: message.into() }
    }

    /// An operation's error: a client's is the user's to mend, a server's is ours.
    pub(crate) fn of(doing: &str, error: ApiError) -> Self {
        match error.kind {
            ErrorKind::Client => Trouble::configuration(format!("Cannot {doing}: {error}")),
            ErrorKind::Server => Trouble::Ours(PerformError::new(doing, error)),
        }
    }
}

impl From<PerformError> for Trouble {
    fn from(e: PerformError) -> Self {
        Trouble::Ours(e)
    }
}

impl From<store::Error> for Trouble {
    fn from(e: store::Error) -> Self {
        Trouble::Ours(e.into())
    }
}

/// What others say may have any length, and each step of an execution writes it.
const MAX_MESSAGE: usize = 2000;

pub(crate) fn failed(code: &str, mut message: String) -> ActionResult {
    if let Some((end, _)) = message.char_indices().nth(MAX_MESSAGE) {
        message.truncate(end);
    }
    ActionResult::Failed {
        code: code.to_owned(),
        message,
        external_execution_id: None,
        external_execution_url: None,
        summary: None,
    }
}
