//! `headworks seed`: fills a data folder with finished executions, to measure a server that has a history.
//!
//! Everything goes through the machines with the inputs that the driver would give, so that rows, inputs and events are
//! those of real runs; only the work itself is left out.

use std::collections::BTreeMap;
use std::sync::Arc;

use base::Machine as _;
use clap::Args;
use devtools::codepipeline::create_pipeline;
use engine::pipeline::{
    ActionEffect, ActionResult, Execution, ExecutionInput, ExecutionState, NewExecution, Revision, RunAction, Trigger,
    Work,
};
use platform::Cx;
use platform::iam::create_role::create_role;
use serde_json::{Value, json};
use store::machine::{self, NewMachine};
use store::{AdvanceError, Store, Tx, events, outbox};

use super::CliError;
use crate::config::{Config, ExecutorKind};
use crate::installation::{Installation, Reached};

/// Executions made in one transaction.
const BATCH: usize = 100;
/// Pipelines that the executions are spread over.
const PIPELINES: usize = 10;

#[derive(Args)]
pub struct Flags {
    /// How many finished executions to add
    #[arg(long)]
    executions: usize,
}

/// Fills the data folder of a server that is not running.
pub fn run(mut config: Config, flags: &Flags) -> Result<(), CliError> {
    config.executor = ExecutorKind::None;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(CliError::environment)?;
    runtime.block_on(fill(config, flags.executions))
}

async fn fill(config: Config, executions: usize) -> Result<(), CliError> {
    let installation =
        Installation::open(config, Reached { endpoint: "http://127.0.0.1".to_owned(), ..Reached::default() }).await?;
    let cx = &installation.cx;
    make_role(cx).await?;
    let mut left = executions;
    for number in 0..PIPELINES.min(executions) {
        let input = serde_json::from_value(json!({ "pipeline": declaration(cx, &format!("seed-{number}")) }));
        let made = create_pipeline(cx, input.map_err(CliError::internal)?).await.map_err(CliError::user)?;
        let pattern = ExecutionState::new(NewExecution {
            id: String::new(),
            scope: cx.scope().clone(),
            definition: Arc::new(made.pipeline),
            trigger: Trigger { kind: "StartPipelineExecution".to_owned(), detail: String::new() },
            variables: BTreeMap::new(),
            overrides: Vec::new(),
            starters: Vec::new(),
            salt: String::new(),
        });
        // Creating the pipeline has started one already; every execution must end before the next one overtakes it.
        finish_all(&cx.store, &pattern).await?;
        let share = left.div_ceil(PIPELINES - number);
        left -= share;
        let ids: Vec<String> = (1..share).map(|_| cx.ids.uuid().to_string()).collect();
        for ids in ids.chunks(BATCH) {
            add(&cx.store, &pattern, ids).await?;
        }
    }
    println!("{executions} executions in {}", cx.site.data_dir.display());
    Ok(())
}

/// The role of the pipelines, which must be there.
async fn make_role(cx: &Cx) -> Result<(), CliError> {
    let trust = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "Service": "codepipeline.amazonaws.com" }, "Action": "sts:AssumeRole",
    }] });
    let input = json!({ "RoleName": "seed", "AssumeRolePolicyDocument": trust.to_string() });
    match create_role(cx, serde_json::from_value(input).map_err(CliError::internal)?).await {
        Err(e) if e.code != "EntityAlreadyExists" => Err(CliError::user(e)),
        _ => Ok(()),
    }
}

async fn add(store: &Store, pattern: &ExecutionState, ids: &[String]) -> Result<(), CliError> {
    let (pattern, ids) = (pattern.clone(), ids.to_vec());
    let added = store.write(move |tx| {
        let (pattern, ids) = (pattern.clone(), ids.clone());
        Box::pin(async move {
            for id in ids {
                let state = ExecutionState { id: id.clone(), ..pattern.clone() };
                let (scope, parent) = (state.scope.clone(), state.pipeline_arn());
                machine::create(tx, NewMachine::<Execution> { id: id.clone(), scope, parent, state }).await?;
                step(tx, &id, ExecutionInput::Start).await?;
                finish(tx, &id).await?;
            }
            publish(tx).await
        })
    });
    added.await.map_err(CliError::environment)
}

/// Finishes what is under way in a pipeline.
async fn finish_all(store: &Store, pattern: &ExecutionState) -> Result<(), CliError> {
    let (scope, arn) = (pattern.scope.clone(), pattern.pipeline_arn());
    let finished = store.write(move |tx| {
        let (scope, arn) = (scope.clone(), arn.clone());
        Box::pin(async move {
            for row in machine::list::<Execution>(tx, &scope, Some(&arn), None, BATCH as u32, true).await? {
                finish(tx, &row.id).await?;
            }
            publish(tx).await
        })
    });
    finished.await.map_err(CliError::environment)
}

/// Answers every effect of an execution until there is none.
async fn finish(tx: &mut Tx, id: &str) -> Result<(), store::Error> {
    loop {
        let effects = outbox::of_machine(tx, Execution::KIND, id).await?;
        if effects.is_empty() {
            return Ok(());
        }
        for claimed in effects {
            let effect = serde_json::from_value(claimed.effect.clone());
            let effect = effect.map_err(|source| store::Error::BadInput { kind: claimed.kind.clone(), source })?;
            if let ActionEffect::Run(run) = effect {
                let input = ExecutionInput::ActionFinished { key: claimed.key.clone(), result: succeeded(*run) };
                step(tx, id, input).await?;
            }
            outbox::finish(tx, &claimed).await?;
        }
    }
}

async fn step(tx: &mut Tx, id: &str, input: ExecutionInput) -> Result<(), store::Error> {
    match store::advance::<Execution>(tx, id, input).await {
        Ok(_) | Err(AdvanceError::NotFound | AdvanceError::Refused(_)) => Ok(()),
        Err(AdvanceError::Store(e)) => Err(e),
    }
}

/// Nobody listens here.
async fn publish(tx: &mut Tx) -> Result<(), store::Error> {
    loop {
        let pending = events::pending(tx, 1000).await?;
        if pending.is_empty() {
            return Ok(());
        }
        let seqs: Vec<i64> = pending.iter().map(|event| event.seq).collect();
        events::mark_all_published(tx, &seqs).await?;
    }
}

fn succeeded(run: RunAction) -> ActionResult {
    let revision = match run.work {
        Work::S3Source { .. } | Work::CodeCommitSource { .. } | Work::GitSource { .. } => Some(Revision {
            id: ["1", "2"].map(|half| base::derived_hex::<20>(&["seed", &run.id, half])).concat(),
            change: None,
            summary: Some("Seeded".to_owned()),
            url: None,
            created: None,
            pushers: Vec::new(),
            commit: None,
        }),
        Work::CodeBuild { .. }
        | Work::S3Deploy { .. }
        | Work::Call { .. }
        | Work::InvokePipeline { .. }
        | Work::ReadMatrix(_)
        | Work::CloudWatchAlarm { .. }
        | Work::LambdaInvoke { .. }
        | Work::Worker { .. } => None,
    };
    ActionResult::Succeeded {
        external_execution_id: Some(run.id),
        external_execution_url: None,
        summary: Some("Seeded".to_owned()),
        output_variables: BTreeMap::new(),
        output_artifacts: run.outputs,
        revision,
    }
}

fn declaration(cx: &Cx, name: &str) -> Value {
    let source = json!({ "S3Bucket": "seed", "S3ObjectKey": format!("{name}.zip"), "PollForSourceChanges": "false" });
    let deploy = json!({ "BucketName": "seed", "Extract": "false", "ObjectKey": format!("{name}/deployed") });
    json!({
        "name": name,
        "roleArn": cx.scope().global_arn("iam", "role/seed").to_string(),
        "artifactStore": { "type": "S3", "location": "seed" },
        "stages": [
            stage("Source", "S3", &source, json!([]), json!([{ "name": "Fetched" }])),
            stage("Build", "CodeBuild", &json!({ "ProjectName": name }), json!([{ "name": "Fetched" }]), json!([{ "name": "Built" }])),
            stage("Deploy", "S3", &deploy, json!([{ "name": "Built" }]), json!([])),
        ],
    })
}

/// A stage with one action of this category; both are named after it.
fn stage(category: &str, provider: &str, configuration: &Value, inputs: Value, outputs: Value) -> Value {
    json!({ "name": category, "actions": [{
        "name": category,
        "actionTypeId": { "category": category, "owner": "AWS", "provider": provider, "version": "1" },
        "configuration": configuration,
        "inputArtifacts": inputs,
        "outputArtifacts": outputs,
    }] })
}
