//! Scenario files: `tests/scenarios/batch/*.txt`. A file holds a buildspec's `batch` section, then commands (`> ...`),
//! each followed by what came of it. `HEADWORKS_TEST_UPDATE=1` writes the files anew; read the difference.

use std::fmt::Write as _;
use std::time::Duration;

use base::Timestamp;
use engine::build::{ArtifactTarget, BuildStatus, PhaseEnd};
use engine::build_batch::{BatchEffect, BatchInput, GroupState};

use crate::batch_world::{World, batch_request};

#[test]
fn every_batch_scenario_leads_to_what_its_file_says() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios/batch");
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "no scenarios in {}", folder.display());
    let update = std::env::var_os("HEADWORKS_TEST_UPDATE").is_some();
    for file in files {
        let written = std::fs::read_to_string(&file).unwrap();
        let actual = play(&written);
        if update {
            std::fs::write(&file, &actual).unwrap();
        } else {
            similar_asserts(&file, &written, &actual);
        }
    }
}

fn similar_asserts(file: &std::path::Path, expected: &str, actual: &str) {
    for (n, (a, b)) in expected.lines().zip(actual.lines()).enumerate() {
        assert_eq!(a, b, "{} line {}", file.display(), n + 1);
    }
    assert_eq!(expected.lines().count(), actual.lines().count(), "{}", file.display());
}

fn play(text: &str) -> String {
    let mut out = String::new();
    let mut section = String::new();
    let mut world: Option<World> = None;
    for line in text.lines() {
        match (line.strip_prefix("> "), &mut world) {
            (Some(command), None) => {
                let mut fresh = start(command);
                let _ = writeln!(out, "{line}");
                report(&mut fresh, Ok(()), &mut out);
                world = Some(fresh);
            }
            (Some(command), Some(world)) => {
                let _ = writeln!(out, "{line}");
                let answer = run(world, command, &section);
                report(world, answer, &mut out);
            }
            (None, None) => {
                let _ = writeln!(out, "{line}");
                if !line.starts_with('#') {
                    let _ = writeln!(section, "{line}");
                }
            }
            (None, Some(_)) if line.starts_with('#') || line.is_empty() => {
                let _ = writeln!(out, "{line}");
            }
            (None, Some(_)) => {}
        }
    }
    let world = world.expect("a scenario has commands");
    assert_eq!(world.row.folded(), world.row.state);
    out
}

/// `start`, with the words `combine`, `maximum=N`, `compute-types=A,B`.
fn start(command: &str) -> World {
    let mut request = batch_request(Timestamp::from_secs(1_800_000_000));
    for word in command.split_whitespace().skip(1) {
        match word.split_once('=') {
            Some(("maximum", n)) => request.restrictions.maximum_builds = n.parse().ok(),
            Some(("compute-types", list)) => {
                request.restrictions.compute_types = list.split(',').map(str::to_owned).collect();
            }
            _ if word == "combine" => {
                request.combine_artifacts = true;
                request.template.artifacts = ArtifactTarget::S3 {
                    identifier: None,
                    bucket: "out".to_owned(),
                    path: String::new(),
                    by_build_id: false,
                    name: "demo.zip".to_owned(),
                    override_name: false,
                    zip: true,
                };
            }
            _ => panic!("no word {word}"),
        }
    }
    let mut world = World::new(request);
    world.input(BatchInput::Start).unwrap();
    world
}

fn run(world: &mut World, command: &str, section: &str) -> Result<(), String> {
    let words: Vec<&str> = command.split_whitespace().collect();
    let word = |n: usize| words.get(n).copied().unwrap_or_default();
    match word(0) {
        "perform" => {
            let buildspec = format!("version: 0.2\n{section}phases: {{build: {{commands: [make]}}}}\n");
            for effect in std::mem::take(&mut world.outbox) {
                world.perform(&effect, &buildspec);
            }
            Ok(())
        }
        "ok" | "fail" => {
            let status = if word(0) == "ok" { BuildStatus::Succeeded } else { BuildStatus::Failed };
            for identifier in words.iter().skip(1) {
                let build = world.build_of(identifier).expect("a build that runs");
                world.end(&build, status);
            }
            Ok(())
        }
        "refuse" => {
            let effect = world.outbox.remove(0);
            let message = "Project cannot be found".to_owned();
            world.input(BatchInput::BuildNotStarted { key: effect.key, message }).map_err(|r| r.to_string())
        }
        "no-source" => {
            let effect = world.outbox.remove(0);
            let (code, message) = ("CLIENT_ERROR".to_owned(), "reference not found".to_owned());
            world.input(BatchInput::SpecFailed { key: effect.key, code, message }).map_err(|r| r.to_string())
        }
        "stop" => world.input(BatchInput::Stop {}).map_err(|r| r.to_string()),
        "retry" => world.input(BatchInput::Retry { all: word(1) == "all" }).map_err(|r| r.to_string()),
        "wait" => {
            world.now = world.now + Duration::from_secs(60 * word(1).parse::<u64>().unwrap());
            match world.timer.filter(|at| *at <= world.now) {
                Some(_) => {
                    world.timer = None;
                    world.input(BatchInput::DeadlinePassed {}).map_err(|r| r.to_string())
                }
                None => Ok(()),
            }
        }
        other => panic!("no command {other}"),
    }
}

fn report(world: &mut World, answer: Result<(), String>, out: &mut String) {
    if let Err(refusal) = answer {
        let _ = writeln!(out, "  refused: {refusal}");
        return;
    }
    for effect in &world.outbox {
        let what = match &effect.effect {
            BatchEffect::ReadSpec { .. } => "read the buildspec".to_owned(),
            BatchEffect::StartBuild { identifier } => format!("start {identifier}"),
            BatchEffect::StopBuilds { builds } => format!("stop {} builds", builds.len()),
            BatchEffect::Combine { parts, .. } => {
                let folders: Vec<&str> = parts.iter().map(|p| p.folder.as_str()).collect();
                format!("combine {}", folders.join(" "))
            }
        };
        let key = effect.key.split_once(':').map_or("", |(_, rest)| rest);
        let _ = writeln!(out, "  effect {key}: {what}");
    }
    for event in world.events.drain(..) {
        let text = |name: &str| event.detail.get(name).and_then(|v| v.as_str()).unwrap_or_default();
        let _ = match text("completed-phase") {
            "" => writeln!(out, "  event {} {}", text("build-batch-status"), text("current-phase")),
            phase => {
                let context = text("completed-phase-context").replace('\n', " | ");
                writeln!(out, "  event {phase} {} {context}", text("completed-phase-status"))
            }
        };
    }
    let state = world.state();
    let groups = state.groups.iter().map(|group| {
        let prior = "*".repeat(group.prior.len());
        let shown = match &group.state {
            GroupState::Waiting => "waits".to_owned(),
            GroupState::Running(_) => "runs".to_owned(),
            GroupState::Ended(ending) => ending.status.name().to_owned(),
            GroupState::NeverBegan => "never began".to_owned(),
        };
        format!("{}{prior}={shown}", group.plan.identifier)
    });
    let groups: Vec<String> = groups.collect();
    let phase = state.phases.last().map(|r| if r.end == PhaseEnd::Open { "" } else { " ended" }).unwrap_or_default();
    let _ = writeln!(out, "  {} {}{phase}: {}", world.status(), state.current_phase().name(), groups.join(", "));
}
