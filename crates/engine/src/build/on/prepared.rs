//! `Prepared` and `PrepareFailed`.

use base::{Step, Timestamp};

use super::start::leave_queue;
use crate::build::plan::{PlanError, SourceDirs, plan_text};
use crate::build::turn::Turn;
use crate::build::{
    Build, BuildEffect, BuildState, BuildStatus, Context, Phase, SourceFailure, Sourced, Stage, container_line,
};

pub(in crate::build) fn prepared(state: &BuildState, sourced: Sourced, now: Timestamp) -> Step<Build> {
    let mut turn = Turn::new(state, now);
    leave_queue(&mut turn, sourced.provisioned);
    let environment = sourced.environment.join("; ");
    let context = (!environment.is_empty()).then(|| Context::new("", environment));
    turn.close(sourced.provisioned, BuildStatus::Succeeded, context);
    turn.open(Phase::DownloadSource, sourced.provisioned);
    turn.state.facts.resolved_source_version = sourced.resolved_version.clone();
    turn.state.facts.secondary_source_versions = sourced.secondary_versions.clone();
    let request = state.request.clone();
    let dirs = SourceDirs {
        resolved_version: sourced.resolved_version,
        secondary_versions: sourced.secondary_versions,
        ..SourceDirs::of(&request)
    };
    match plan_text(&request, &dirs, &sourced.buildspec) {
        Ok((plan, job, preamble)) => {
            let cache = plan.restored_cache();
            // Values that are kept elsewhere are read first, in this phase; the job's first step ends it then.
            if plan.references.is_empty() {
                turn.pass(now);
            }
            turn.state.stage = Stage::Running(plan);
            turn.effect(BuildEffect::Run { job: Box::new(job), logs: request.logs, preamble, cache });
            turn.into_step()
        }
        Err(error) => plan_failed(turn, error),
    }
}

/// The buildspec (or what it asks for) cannot be built: DOWNLOAD_SOURCE fails, as it does on AWS.
pub(super) fn plan_failed(mut turn: Turn, error: PlanError) -> Step<Build> {
    let now = turn.now;
    turn.open(Phase::DownloadSource, now);
    let mut lines: Vec<String> = error.findings.iter().map(|line| container_line(now, line)).collect();
    lines.push(container_line(now, "Phase complete: DOWNLOAD_SOURCE State: FAILED"));
    let Context { status_code, message } = &error.context;
    lines.push(container_line(now, &format!("Phase context status code: {status_code} Message: {message}")));
    turn.close(now, BuildStatus::Failed, Some(error.context));
    turn.complete(BuildStatus::Failed, lines)
}

pub(in crate::build) fn prepare_failed(state: &BuildState, failure: SourceFailure, now: Timestamp) -> Step<Build> {
    let mut turn = Turn::new(state, now);
    leave_queue(&mut turn, now);
    let (phase, context) = match failure {
        SourceFailure::Environment { reason } => (Phase::Provisioning, environment_context(&reason)),
        SourceFailure::Source { code, message } => {
            turn.pass(now);
            turn.open(Phase::DownloadSource, now);
            (Phase::DownloadSource, Context::new(code, message))
        }
    };
    let lines = vec![
        container_line(now, &format!("Phase complete: {} State: FAILED", phase.name())),
        container_line(
            now,
            &format!("Phase context status code: {} Message: {}", context.status_code, context.message),
        ),
    ];
    turn.close(now, BuildStatus::Failed, Some(context));
    turn.complete(BuildStatus::Failed, lines)
}

pub(super) fn environment_context(reason: &str) -> Context {
    Context::new("CLIENT_ERROR", format!("Unable to start the build environment: {reason}"))
}
