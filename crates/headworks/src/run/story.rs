//! One run, or one after the other.

use std::path::PathBuf;
use std::process::ExitCode;

use devtools::codebuild::batch_get_builds;
use engine::build::{BuildState, Phase};
use platform::Cx;
use serde_json::Value;

use super::changes::Changes;
use super::interrupt::Interrupts;
use super::order::Order;
use super::private::{self, Private};
use super::show::{Results, Show, is_success};
use super::{Flags, batch, deliver, follow, pipeline, project, reports};
use crate::cli::CliError;
use crate::config::{Config, Layers};
use crate::up;

/// A shell's code for a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// Runs the build that the flags describe. The exit code is the build's: 0 when it succeeded, 1 when it did not.
pub fn run(layers: &Layers, flags: &Flags) -> Result<ExitCode, CliError> {
    for warning in &layers.warnings {
        eprintln!("warning: {warning}");
    }
    if let Some(image) = &flags.agent_image {
        eprintln!("warning: -l {image} has no effect: there is no agent in a container of its own here");
    }
    let of_pipeline = pipeline::is_pipeline(flags);
    if flags.pipeline.any() && !of_pipeline {
        return Err(CliError::user("the flags of pipelines need a file with a pipeline")
            .hint("name it: headworks run PIPELINE.yml, or a template with one"));
    }
    // Its mistakes are said before anything is started.
    let order = if of_pipeline { None } else { Some(Order::of(flags, |name| std::env::var(name).ok())?) };
    let filter = std::env::var("HEADWORKS_LOG_FILTER").unwrap_or_else(|_| "error".to_owned());
    up::start_logging(&Config { log_filter: filter, ..layers.config()? })?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(CliError::environment)?;
    let ended = runtime.block_on(async {
        let interrupts = Interrupts::listen()?;
        tokio::spawn(private::sweep());
        let show = Show::new(flags.output);
        match order {
            None => pipeline::run(layers, flags, &show, &interrupts).await,
            Some(order) if !flags.watch => once(layers, &order, &show, &interrupts).await,
            Some(order) => again_and_again(layers, flags, order, &show, &interrupts).await,
        }
    });
    // A sweep that is still at work does not hold up the end.
    runtime.shutdown_background();
    ended
}

async fn once(layers: &Layers, order: &Order, show: &Show, interrupts: &Interrupts) -> Result<ExitCode, CliError> {
    let private = Private::open(layers, order).await?;
    let ended = tokio::select! {
        biased;
        () = interrupts.reach(2) => None,
        ended = build(&private, order, show, interrupts) => Some(ended),
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

/// Whether the build (or the batch) succeeded.
async fn build(private: &Private, order: &Order, show: &Show, interrupts: &Interrupts) -> Result<bool, CliError> {
    let installation = private.installation();
    let cx = &installation.cx;
    if order.batch {
        return all_builds(private, order, show, interrupts).await;
    }
    let id = project::start(cx, order).await?;
    show.begin(order, &installation.executor_description().await);
    let state = follow::follow(cx, &id, order.shell, show, interrupts).await?;
    if let Some((Phase::Provisioning, context)) = state.first_failure()
        && context.message.contains("sandbox")
    {
        show.note(&format!("hint: {}", executor::host::hint(&context.message)));
    }
    let results = results(cx, order, None, &state).await?;
    let view = batch_get_builds(cx, batch_get_builds::Input { ids: vec![id] }).await.map_err(CliError::environment)?;
    show.end(order, &state, view.builds.first().unwrap_or(&Value::Null), &results);
    Ok(is_success(&state))
}

async fn all_builds(private: &Private, order: &Order, show: &Show, interrupts: &Interrupts) -> Result<bool, CliError> {
    let installation = private.installation();
    let cx = &installation.cx;
    let id = batch::start(cx, order).await?;
    show.begin(order, &installation.executor_description().await);
    let ended = batch::follow(cx, &id, show, interrupts).await?;
    let mut all = Vec::new();
    for (group, state) in &ended.builds {
        all.push((group.clone(), results(cx, order, Some(group), state).await?));
    }
    show.batch_end(order, &ended, &all);
    Ok(ended.is_success())
}

/// Takes what the build leaves to where it is wanted. The builds of a batch have folders of their names there.
async fn results(cx: &Cx, order: &Order, group: Option<&str>, state: &BuildState) -> Result<Results, CliError> {
    let place = |dir: &PathBuf| group.map_or_else(|| dir.clone(), |group| dir.join(group));
    let delivered = match order.artifacts.as_ref().map(place) {
        Some(target) => deliver::artifacts(cx, state, &target).await?,
        None => Vec::new(),
    };
    let told = reports::told(cx, state).await.map_err(CliError::environment)?;
    if let Some(target) = order.reports.as_ref().map(place) {
        for (group, key) in reports::exported(&told) {
            deliver::zip(cx, project::BUCKET, &key, &target.join(group)).await?;
        }
    }
    Ok(Results { delivered, told })
}

/// Runs on every change until interrupted; the exit code is the last build's.
async fn again_and_again(
    layers: &Layers,
    flags: &Flags,
    mut order: Order,
    show: &Show,
    interrupts: &Interrupts,
) -> Result<ExitCode, CliError> {
    loop {
        let mut changes = Changes::watch(&order)?;
        let code = once(layers, &order, show, interrupts).await?;
        if interrupts.any() {
            return Ok(code);
        }
        show.note("waiting for a change; Ctrl-C ends this");
        loop {
            tokio::select! {
                () = interrupts.reach(1) => return Ok(code),
                changed = changes.wait() => changed?,
            }
            // In the middle of an edit the buildspec may be gone, or half of it.
            match Order::of(flags, |name| std::env::var(name).ok()) {
                Ok(fresh) => {
                    order = fresh;
                    break;
                }
                Err(e) => show.note(&e.to_string()),
            }
        }
    }
}
