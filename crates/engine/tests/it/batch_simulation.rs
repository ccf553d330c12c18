//! A seeded simulation of batches: effects are performed late, twice and after crashes, builds end as they like, users
//! stop and retry, timers fire.
//!
//! `SIM_SEED=n` replays one seed; `SIM_SEEDS=n` runs that many (10,000 unless said otherwise).

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use base::{Effect, Timestamp};
use engine::build::BuildStatus;
use engine::build_batch::{BatchEffect, BatchInput, BatchRefusal, GroupState};

use crate::batch_world::{World, batch_request};
use crate::build_world::jump;
use crate::rng::{Rng, each_seed};

#[test]
fn whatever_is_late_or_repeated_every_batch_ends_and_no_build_begins_before_what_it_depends_on() {
    each_seed(simulate);
}

fn simulate(seed: u64) {
    let mut rng = Rng::new(seed);
    let buildspec = a_batch(&mut rng);
    let mut request = batch_request(Timestamp::from_secs(1_800_000_000));
    request.combine_artifacts = rng.chance(30);
    let mut world = World::new(request);
    world.input(BatchInput::Start).unwrap();
    let mut delivered: Vec<Effect<BatchEffect>> = Vec::new();
    let mut retries = 0;
    for turn in 0..2_000 {
        check(&world);
        if world.state().completed().is_some() {
            if retries < 2 && rng.chance(60) {
                retries += 1;
                let (all, was) = (rng.chance(40), world.status());
                match world.input(BatchInput::Retry { all }) {
                    Ok(()) => assert_ne!(was, "SUCCEEDED"),
                    Err(refusal) => {
                        assert_eq!((refusal, was), (BatchRefusal::NotRetryable, "SUCCEEDED"));
                        break;
                    }
                }
                continue;
            }
            break;
        }
        let patient = turn < 1_000;
        match rng.below(100) {
            0 if patient => match world.input(BatchInput::Stop {}) {
                Ok(()) | Err(BatchRefusal::AlreadyCompleted) => {}
                Err(refusal) => panic!("{refusal}"),
            },
            1 if patient && rng.chance(50) => world.now = world.now + jump(&mut rng),
            1 if patient => {
                // The server was down meanwhile, or dies and starts again at once.
                let down = if rng.chance(50) { jump(&mut rng) } else { Duration::ZERO };
                world.now = world.now + down;
                let limit = world.timer;
                for _ in 0..2 {
                    world.input(BatchInput::Resumed { down_seconds: down.as_secs() }).unwrap();
                }
                assert_eq!(world.timer, limit.map(|at| at + down), "its limit grows by the downtime, once");
            }
            2..=9 if !delivered.is_empty() => {
                // A performer that died after it had told the result is asked again.
                let effect = delivered[rng.below(delivered.len())].clone();
                world.perform(&effect, &buildspec);
            }
            10..=49 if !world.outbox.is_empty() => {
                let effect = world.outbox.remove(rng.below(world.outbox.len()));
                world.perform(&effect, &buildspec);
                delivered.push(effect);
            }
            _ if !world.running.is_empty() => {
                let n = rng.below(world.running.len());
                let build = world.running.keys().nth(n).unwrap().clone();
                let status = match rng.below(10) {
                    0 => BuildStatus::Failed,
                    1 => BuildStatus::TimedOut,
                    _ => BuildStatus::Succeeded,
                };
                world.end(&build, status);
            }
            _ => {}
        }
        if world.timer.is_some_and(|at| at <= world.now) {
            world.timer = None;
            world.input(BatchInput::DeadlinePassed {}).unwrap();
        }
    }
    assert!(world.state().completed().is_some(), "the batch never ends: {:?}", world.state());
    assert_eq!(world.row.folded(), world.row.state);
}

/// Holds after every step.
fn check(world: &World) {
    let state = world.state();
    let good: BTreeSet<&str> = state.groups.iter().filter(|g| lets_on(g)).map(|g| g.plan.identifier.as_str()).collect();
    for group in &state.groups {
        let began = group.current().is_some();
        let free = group.plan.depends_on.iter().all(|d| good.contains(d.as_str()));
        assert!(!began || free || !group.prior.is_empty(), "{} began too early", group.plan.identifier);
        for prior in &group.prior {
            assert_ne!(group.current().map(|run| &run.build), Some(&prior.run.build), "an id is used twice");
        }
    }
    if let Some((status, _)) = state.completed() {
        let failed = state.groups.iter().any(|g| {
            let ended = matches!(&g.state, GroupState::Ended(e) if e.status != BuildStatus::Succeeded);
            ended && !g.plan.ignore_failure
        });
        match status {
            BuildStatus::Succeeded => {
                assert!(!failed, "a failure is passed over");
                assert!(state.groups.iter().all(|g| matches!(g.state, GroupState::Ended(_))), "a build is passed over");
            }
            BuildStatus::Failed => assert!(failed || state.groups.is_empty()),
            BuildStatus::Stopped | BuildStatus::TimedOut => {}
            BuildStatus::Fault => panic!("no batch ends in FAULT"),
        }
    }
}

fn lets_on(group: &engine::build_batch::Group) -> bool {
    matches!(&group.state, GroupState::Ended(e) if e.status == BuildStatus::Succeeded || group.plan.ignore_failure)
}

fn a_batch(rng: &mut Rng) -> String {
    let mut text = format!("version: 0.2\nbatch:\n  fast-fail: {}\n  build-graph:\n", rng.chance(40));
    for n in 0..1 + rng.below(8) {
        let _ = writeln!(text, "    - identifier: n{n}\n      ignore-failure: {}", rng.chance(25));
        let dependencies: Vec<String> = (0..n).filter(|_| rng.chance(30)).map(|d| format!("n{d}")).collect();
        if !dependencies.is_empty() {
            let _ = writeln!(text, "      depend-on: [{}]", dependencies.join(", "));
        }
    }
    text.push_str("phases: {build: {commands: [make]}}\n");
    text
}
