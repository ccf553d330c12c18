//! One run of a pipeline.

use std::path::Path;
use std::process::ExitCode;

use devtools::codepipeline;
use engine::pipeline::{ActionStatus, ExecutionState};
use formats::pipeline::document::{self, Found};
use formats::yaml::{self, Node};
use platform::Cx;
use serde_json::{Value, json};

use super::super::interrupt::Interrupts;
use super::super::order::Order;
use super::super::private::Private;
use super::super::project::{BUCKET, input, refused};
use super::super::show::Show;
use super::super::{Flags, deliver};
use super::follow::{Approvals, follow, is_success};
use super::{declared, rows};
use crate::answers::{list, text};
use crate::cli::CliError;
use crate::client::Client;
use crate::config::Layers;

/// A shell's code for a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;
const MAX_FILE_BYTES: u64 = 4 << 20;

/// Whether the file that the flags name is a pipeline, or a template with one.
pub fn is_pipeline(flags: &Flags) -> bool {
    let file = named(flags).and_then(|file| content(file).ok());
    let root = file.as_deref().and_then(|text| yaml::parse(text).ok());
    root.is_some_and(|(root, _)| declares_one(&root) || !document::in_template(&root, None).is_empty())
}

fn named(flags: &Flags) -> Option<&Path> {
    flags.buildspec.as_deref().or(flags.buildspec_flag.as_deref())
}

fn declares_one(root: &Node) -> bool {
    root.get("pipeline").unwrap_or(root).get("stages").is_some()
}

fn content(file: &Path) -> Result<String, CliError> {
    let bad = |why: String| CliError::user(format!("cannot read {}: {why}", file.display()));
    if file.metadata().map_err(|e| bad(e.to_string()))?.len() > MAX_FILE_BYTES {
        return Err(bad(format!("it has more than {MAX_FILE_BYTES} bytes")));
    }
    std::fs::read_to_string(file).map_err(|e| bad(e.to_string()))
}

/// Runs the pipeline. The exit code is its: 0 when it succeeded, 1 when it did not.
pub async fn run(layers: &Layers, flags: &Flags, show: &Show, interrupts: &Interrupts) -> Result<ExitCode, CliError> {
    refuse_flags_of_builds(flags)?;
    let file = named(flags).map(Path::to_owned).unwrap_or_default();
    let text = content(&file)?;
    let (root, _) = yaml::parse(&text).map_err(|_| CliError::user(format!("{} cannot be read", file.display())))?;
    let found = found(&root, &text, flags)?;
    let is_mistake = |d: &&formats::Diagnostic| d.is_error() && declared::is_shape(d.code);
    if found.diagnostics.iter().any(|d| is_mistake(&d)) {
        let shown = file.display().to_string();
        let lines: Vec<String> =
            found.diagnostics.iter().filter(is_mistake).map(|d| d.in_file(&shown).to_string()).collect();
        return Err(CliError::user(format!("the pipeline has mistakes\n{}", lines.join("\n"))));
    }
    let declared =
        found.pipeline.ok_or_else(|| CliError::user("a part of the pipeline is settled by its deployment"))?;
    let template = root.get("Resources").is_some().then_some(&root);
    let mut rehearsal = declared::rehearsal(&declared, template, flags.pipeline.deploy.is_some())?;
    declared::give(&mut rehearsal.pipeline, &flags.pipeline.variables)?;
    rows::refuse_unknown(&flags.pipeline, &rehearsal)?;
    let region = layers.config()?.region;
    let mistakes = declared::mistakes(&rehearsal.pipeline, region.as_str())?;
    if !mistakes.is_empty() {
        return Err(CliError::user(format!(
            "the pipeline of {} has mistakes\n{}",
            file.display(),
            mistakes.join("\n")
        )));
    }
    let order = Order::of_pipeline(flags, file, |name| std::env::var(name).ok())?;
    let private = Private::open(layers, &order).await?;
    let ended = tokio::select! {
        biased;
        () = interrupts.reach(2) => None,
        ended = execution(&private, &order, flags, rehearsal, show, interrupts) => Some(ended),
    };
    match ended {
        Some(ended) => {
            private.close().await;
            ended.map(|succeeded| if succeeded { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        None => {
            show.note("ended at once");
            private.abandon().await;
            Ok(ExitCode::from(INTERRUPTED))
        }
    }
}

/// What is about one build, or about files that a pipeline does not have.
fn refuse_flags_of_builds(flags: &Flags) -> Result<(), CliError> {
    let of_builds = [
        ("--phase", flags.phase.is_some()),
        ("--shell", flags.shell),
        ("--watch", flags.watch),
        ("--batch", flags.batch),
        ("--reports", flags.reports.is_some()),
        ("--secondary-source", !flags.secondary_sources.is_empty() || flags.sources.len() > 1),
        ("--mount-source", flags.mount_source),
        ("--aws", flags.aws || flags.profile.is_some()),
    ];
    match of_builds.into_iter().find(|(_, given)| *given) {
        Some((flag, _)) => Err(CliError::user(format!("{flag} is for one build, not for a pipeline"))),
        None => Ok(()),
    }
}

fn found(root: &Node, text: &str, flags: &Flags) -> Result<Found, CliError> {
    if declares_one(root) {
        return match &flags.pipeline.pipeline {
            Some(_) => Err(CliError::user("--pipeline chooses from a template, and the file is a declaration")),
            None => Ok(document::read(text, None)),
        };
    }
    let mut all = document::in_template(root, None);
    let ids: Vec<String> = all.iter().filter_map(|f| f.logical_id.clone()).collect();
    let wanted = flags.pipeline.pipeline.as_ref();
    all.retain(|found| wanted.is_none_or(|id| found.logical_id.as_ref() == Some(id)));
    match (all.pop(), all.is_empty()) {
        (Some(one), true) => Ok(one),
        (Some(_), false) => Err(CliError::user("the template has several pipelines")
            .hint(format!("--pipeline names one: {}", ids.join(", ")))),
        (None, _) => {
            Err(CliError::user("the template has no such pipeline").hint(format!("it has: {}", ids.join(", "))))
        }
    }
}

async fn execution(
    private: &Private,
    order: &Order,
    flags: &Flags,
    rehearsal: declared::Rehearsal,
    show: &Show,
    interrupts: &Interrupts,
) -> Result<bool, CliError> {
    let installation = private.installation();
    let cx = &installation.cx;
    show.begin(order, &installation.executor_description().await);
    rehearsal.notes.iter().for_each(|note| show.note(note));
    let buckets = rehearsal.buckets.clone();
    let client = Client::of(installation)?;
    let pipeline = rows::made((cx, &client), order, &flags.pipeline, rehearsal).await?;
    let approvals = if flags.pipeline.approve { Approvals::Given } else { Approvals::Asked };
    let id = first_execution(cx, &pipeline).await?;
    let state = follow(cx, &id, approvals, show, interrupts).await?;
    if let Some(target) = &order.artifacts {
        keep_artifacts(cx, &state, target, show).await?;
    }
    if let Some(target) = &flags.pipeline.deploy {
        for bucket in &buckets {
            let files = deliver::bucket(cx, bucket, &target.join(bucket)).await?;
            show.note(&format!("deployed: {} ({files} files)", target.join(bucket).display()));
        }
    }
    show.pipeline_end(&as_told(cx, &pipeline, &id).await?);
    Ok(is_success(&state))
}

/// The execution as GetPipelineExecution shows it.
async fn as_told(cx: &Cx, pipeline: &str, id: &str) -> Result<Value, CliError> {
    let ask = input(json!({ "pipelineName": pipeline, "pipelineExecutionId": id })).map_err(refused)?;
    let told = codepipeline::get_pipeline_execution(cx, ask).await.map_err(refused)?;
    serde_json::to_value(told.pipeline_execution).map_err(CliError::internal)
}

/// The execution that creation started.
async fn first_execution(cx: &Cx, pipeline: &str) -> Result<String, CliError> {
    let ask = input(json!({ "pipelineName": pipeline })).map_err(refused)?;
    let page = codepipeline::list_pipeline_executions(cx, ask).await.map_err(refused)?;
    let page = serde_json::to_value(page).map_err(CliError::internal)?;
    match list(&page["pipelineExecutionSummaries"]).first() {
        Some(execution) => Ok(text(&execution["pipelineExecutionId"])),
        None => Err(CliError::internal("the pipeline was not started")),
    }
}

/// Puts what the actions made into `target`, each artifact in a folder of its name.
async fn keep_artifacts(cx: &Cx, state: &ExecutionState, target: &Path, show: &Show) -> Result<(), CliError> {
    for run in state.stages.iter().skip(1).flat_map(|s| &s.actions) {
        let ActionStatus::Succeeded { outputs, .. } = &run.status else { continue };
        for artifact in outputs {
            let folder = target.join(&artifact.name);
            let files = deliver::zip(cx, BUCKET, &artifact.key, &folder).await?;
            show.note(&format!("artifact {}: {} ({files} files)", artifact.name, folder.display()));
        }
    }
    Ok(())
}
