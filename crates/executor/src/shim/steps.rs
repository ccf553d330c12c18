//! Runs the steps of a job and announces them as CodeBuild's agent does.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use base::{JobHold, JobSpec, JobStep, StepFailure, StepOutcome, StepRecord, StepRetry};
use regex_automata::meta::Regex;

use super::session::{Happened, Session, Stop, now};
use super::{orders, shell};
use crate::nested::wants_engine;

/// The records so far, and the command that runs now.
#[derive(Default)]
pub(super) struct Progress {
    pub steps: Vec<StepRecord>,
    pub exported: BTreeMap<String, String>,
    command: String,
}

/// Runs all steps. On `Err` the step that ran is still without an end: see [`interrupt`].
pub(super) fn run(
    session: &mut Session<'_>,
    spec: &JobSpec,
    inside: &Path,
    progress: &mut Progress,
) -> Result<(), Stop> {
    let mut succeeding = true;
    let muted = JobSpec { announce: false, ..spec.clone() };
    if session.way.is_some() {
        // What visitors find, before there was any command.
        quiet(session, ":")?;
    }
    for (number, step) in spec.steps.iter().enumerate() {
        let spec = if step.quiet { &muted } else { spec };
        let started = StepRecord { name: step.name.clone(), started: now(), finished: None };
        session.record(&started)?;
        progress.steps.push(started);
        announce(session, spec, &format!("Entering phase {}", step.name))?;
        let outcome = run_step(session, spec, step, &mut succeeding, progress)?;
        if spec.hold == JobHold::ForOrders && number + 1 == spec.steps.len() {
            orders::serve(session, spec)?;
        }
        let failed = outcome != StepOutcome::Succeeded;
        end_step(session, spec, progress, outcome)?;
        if failed && step.on_failure == StepFailure::Abort {
            break;
        }
    }
    if spec.exported.iter().any(|name| shell::is_variable(name)) {
        quiet(session, &shell::export_script(inside, &spec.exported))?;
        for name in spec.exported.iter().filter(|name| shell::is_variable(name)) {
            if let Some(value) = session.control.exported_value(name)? {
                // It is shown to whoever may see the build.
                progress.exported.insert(name.clone(), session.masker.mask(&value));
            }
        }
    }
    Ok(())
}

/// Gives the step that was running its end.
pub(super) fn interrupt(
    session: &mut Session<'_>,
    spec: &JobSpec,
    progress: &mut Progress,
    stop: &Stop,
) -> io::Result<()> {
    let outcome = match stop {
        Stop::TimedOut => StepOutcome::TimedOut,
        Stop::Cancelled => StepOutcome::Cancelled,
        Stop::InitDied | Stop::ContainerDied { .. } | Stop::Broken(_) => {
            let command = session.masker.mask(&progress.command);
            StepOutcome::Failed { command, exit_status: 137 }
        }
    };
    end_step(session, spec, progress, outcome)
}

/// All tries of a step.
fn run_step(
    session: &mut Session<'_>,
    spec: &JobSpec,
    step: &JobStep,
    succeeding: &mut bool,
    progress: &mut Progress,
) -> Result<StepOutcome, Stop> {
    session.use_user(step.run_as.as_deref())?;
    if let Some(reason) = set_up(session, step)? {
        announce(session, spec, &reason)?;
        let outcome = StepOutcome::Refused { reason };
        lower(session, spec, &outcome, succeeding)?;
        return Ok(outcome);
    }
    let retry = step.retry.as_ref();
    // A pattern that cannot be read is found in nothing.
    let pattern = retry.and_then(|retry| retry.pattern.as_ref()).map(|text| Regex::new(text).ok());
    let mut tries = 0;
    loop {
        let was_succeeding = *succeeding;
        session.remember_output(pattern.is_some() || session.no_engine.is_some());
        let is_last = retry.is_none_or(|retry| tries >= retry.count);
        let outcome = try_step(session, spec, step, is_last, succeeding, progress)?;
        let said = session.remembered_output();
        match (&outcome, retry) {
            (StepOutcome::Failed { .. }, Some(StepRetry { count, .. })) if tries < *count => {
                let found = |regex: &Regex| regex.is_match(failure_text(&outcome).as_bytes()) || regex.is_match(&said);
                if !pattern.as_ref().is_none_or(|regex| regex.as_ref().is_some_and(found)) {
                    return Ok(outcome);
                }
                tries += 1;
                announce(session, spec, &format!("Retrying phase {}: retry {tries} of {count}", step.name))?;
                raise(session, spec, was_succeeding, succeeding)?;
            }
            _ => return Ok(outcome),
        }
    }
}

/// Runs what must be there before the commands; `Some` says why it is not.
fn set_up(session: &mut Session<'_>, step: &JobStep) -> Result<Option<String>, Stop> {
    let Some(text) = &step.setup else { return Ok(None) };
    if run_command(session, text)? == 0 {
        return Ok(None);
    }
    let names = [JobStep::REFUSAL.to_owned()];
    quiet(session, &shell::export_script(&session.inside.clone(), &names))?;
    let reason = session.control.exported_value(JobStep::REFUSAL)?.filter(|reason| !reason.is_empty());
    Ok(Some(reason.unwrap_or_else(|| "what the step needs could not be set up".to_owned())))
}

fn try_step(
    session: &mut Session<'_>,
    spec: &JobSpec,
    step: &JobStep,
    is_last: bool,
    succeeding: &mut bool,
    progress: &mut Progress,
) -> Result<StepOutcome, Stop> {
    let mut outcome = run_commands(session, spec, step, &step.commands, is_last, progress)?;
    lower(session, spec, &outcome, succeeding)?;
    let last = run_commands(session, spec, step, &step.finally, is_last, progress)?;
    lower(session, spec, &last, succeeding)?;
    if outcome == StepOutcome::Succeeded {
        outcome = last;
    }
    Ok(outcome)
}

/// The first failure ends the list.
fn run_commands(
    session: &mut Session<'_>,
    spec: &JobSpec,
    step: &JobStep,
    commands: &[String],
    may_hold: bool,
    progress: &mut Progress,
) -> Result<StepOutcome, Stop> {
    for command in commands {
        progress.command.clone_from(command);
        announce(session, spec, &format!("Running command {command}"))?;
        let exit_status = match step.fresh_shells {
            false => run_command(session, command)?,
            true => run_command(session, &shell::in_fresh_shell(&spec.current_dir, command))?,
        };
        if exit_status != 0 {
            announce(session, spec, &format!("Command did not exit successfully {command} exit status {exit_status}"))?;
            if let Some(reason) = session.no_engine.clone().filter(|_| wants_engine(command, session.tail())) {
                announce(session, spec, &format!("There is no container engine in this build: {reason}"))?;
            }
            if may_hold {
                session.hold()?;
            }
            return Ok(StepOutcome::Failed { command: session.masker.mask(command), exit_status });
        }
    }
    Ok(StepOutcome::Succeeded)
}

/// A command that ends its shell (`exit`, `set -e`, a syntax error in some shells) has the shell's status; the next
/// command gets a new shell.
pub(super) fn run_command(session: &mut Session<'_>, text: &str) -> Result<i32, Stop> {
    if !session.shell_runs {
        session.start_shell()?;
    }
    session.control.send(text)?;
    loop {
        match session.wait()? {
            Happened::CommandEnded(status) | Happened::ShellEnded(status) => return Ok(status),
            Happened::SetupFailed(reason) => return Err(Stop::Broken(io::Error::other(reason))),
            Happened::Ready(_) => {}
        }
    }
}

/// A command of ours; its status does not matter.
fn quiet(session: &mut Session<'_>, text: &str) -> Result<(), Stop> {
    run_command(session, &format!("{{ {text}\n}} 2>/dev/null")).map(drop)
}

/// Keeps the succeeding variable current.
fn lower(session: &mut Session<'_>, spec: &JobSpec, outcome: &StepOutcome, succeeding: &mut bool) -> Result<(), Stop> {
    if *outcome == StepOutcome::Succeeded || !*succeeding {
        return Ok(());
    }
    *succeeding = false;
    match &spec.succeeding_variable {
        Some(name) if shell::is_variable(name) => quiet(session, &format!("export {name}=0")),
        _ => Ok(()),
    }
}

/// Takes back what a try has lowered that does not count.
fn raise(session: &mut Session<'_>, spec: &JobSpec, to: bool, succeeding: &mut bool) -> Result<(), Stop> {
    if *succeeding || !to {
        return Ok(());
    }
    *succeeding = true;
    match &spec.succeeding_variable {
        Some(name) if shell::is_variable(name) => quiet(session, &format!("export {name}=1")),
        _ => Ok(()),
    }
}

/// What the phase's context says of a failure.
fn failure_text(outcome: &StepOutcome) -> String {
    match outcome {
        StepOutcome::Failed { command, exit_status } => {
            format!("Error while executing command: {command}. Reason: exit status {exit_status}")
        }
        StepOutcome::Refused { reason } => reason.clone(),
        StepOutcome::Succeeded | StepOutcome::TimedOut | StepOutcome::Cancelled => String::new(),
    }
}

fn end_step(
    session: &mut Session<'_>,
    spec: &JobSpec,
    progress: &mut Progress,
    outcome: StepOutcome,
) -> io::Result<()> {
    let Some(record) = progress.steps.last_mut().filter(|r| r.finished.is_none()) else { return Ok(()) };
    let (state, context) = match &outcome {
        StepOutcome::Succeeded => ("SUCCEEDED", " Message: ".to_owned()),
        StepOutcome::Failed { .. } => {
            ("FAILED", format!("COMMAND_EXECUTION_ERROR Message: {}", failure_text(&outcome)))
        }
        StepOutcome::Refused { reason } => ("FAILED", format!("YAML_FILE_ERROR Message: {reason}")),
        StepOutcome::TimedOut => ("TIMED_OUT", " Message: ".to_owned()),
        StepOutcome::Cancelled => ("STOPPED", " Message: ".to_owned()),
    };
    record.finished = Some((now(), outcome));
    let record = record.clone();
    announce(session, spec, &format!("Phase complete: {} State: {state}", record.name))?;
    announce(session, spec, &format!("Phase context status code: {context}"))?;
    session.record(&record)
}

pub(super) fn announce(session: &mut Session<'_>, spec: &JobSpec, what: &str) -> io::Result<()> {
    if !spec.announce {
        return Ok(());
    }
    let time = now().format("%Y/%m/%d %H:%M:%S.%6f");
    session.say(&format!("[Container] {time} {}\n", what.trim_end()))
}
