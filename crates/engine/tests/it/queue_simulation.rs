//! A seeded simulation of a queue: builds come, wait, give up, run and leave; limits move.

use std::collections::{BTreeMap, BTreeSet};

use base::{Machine, Step, Timestamp};
use engine::build::Purpose;
use engine::build_queue::{
    BuildQueue, FleetLimit, FleetSlots, Limits, Overflow, Place, QueueInput, QueueState, Ticket,
};

use crate::rng::{Rng, each_seed};

#[test]
fn no_limit_is_ever_exceeded_and_whoever_stays_is_admitted_once() {
    each_seed(simulate);
}

fn simulate(seed: u64) {
    let mut rng = Rng::new(seed);
    let mut state = QueueState::default();
    let (mut asked, mut admitted, mut over) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for n in 0..60 {
        let input = match rng.below(10) {
            0..=4 => {
                let build = format!("p{}:{n}", rng.below(3));
                asked.push(build.clone());
                QueueInput::Ask { ticket: ticket(&mut rng, build) }
            }
            5 if !asked.is_empty() => {
                let build = asked[rng.below(asked.len())].clone();
                if over.contains(&build) {
                    continue;
                }
                QueueInput::Ask { ticket: ticket(&mut rng, build) }
            }
            6 => {
                let limit = if rng.chance(70) { u32::try_from(rng.below(3)).ok() } else { None };
                QueueInput::Project { name: format!("p{}", rng.below(3)), limit: limit.map(|l| l + 1) }
            }
            _ if !asked.is_empty() => {
                let build = asked[rng.below(asked.len())].clone();
                over.insert(build.clone());
                QueueInput::Leave { build }
            }
            _ => continue,
        };
        take(&mut state, input, &mut admitted);
    }
    // Everybody who runs ends; then everybody who waits must have come to run.
    for _ in 0..200 {
        let Some(running) = state.running.first().cloned() else { break };
        over.insert(running.build.clone());
        take(&mut state, QueueInput::Leave { build: running.build }, &mut admitted);
    }
    assert!(state.running.is_empty() && state.waiting.is_empty(), "{state:?}");
    for build in asked {
        assert!(admitted.contains(&build) || over.contains(&build), "{build} was forgotten");
    }
}

fn ticket(rng: &mut Rng, build: String) -> Ticket {
    let project = build.split(':').next().unwrap().to_owned();
    let fleet = rng.chance(30).then(|| FleetLimit {
        arn: "fleet/f".to_owned(),
        slots: FleetSlots {
            capacity: 1 + u32::try_from(rng.below(2)).unwrap(),
            overflow: if rng.chance(50) { Overflow::Queue } else { Overflow::OnDemand },
        },
    });
    let project_limit = rng.chance(50).then_some(2);
    Ticket {
        build,
        project,
        purpose: Purpose::Build,
        limits: Limits { account: Some(3), project: project_limit, fleet },
    }
}

fn take(state: &mut QueueState, input: QueueInput, admitted: &mut BTreeSet<String>) {
    let before: BTreeMap<String, usize> = counts(state);
    let Step { state: next, tells, .. } = BuildQueue::step(state, input, Timestamp::from_secs(0)).unwrap();
    *state = next;
    for tell in &tells {
        assert!(admitted.insert(tell.id.clone()), "{} was admitted twice", tell.id);
    }
    let after = counts(state);
    // A limit that was lowered does not end what runs; it lets nothing more in.
    for (what, count) in &after {
        let limit = match what.split_once('/') {
            Some(("project", name)) => state.project_limits.get(name).copied(),
            Some(("fleet", arn)) => state.fleets.get(arn).map(|slots| slots.capacity),
            _ => state.account_limit,
        };
        let grown = *count > before.get(what).copied().unwrap_or(0);
        assert!(!grown || limit.is_none_or(|limit| *count <= limit as usize), "{what}: {count} of {limit:?}");
    }
}

fn counts(state: &QueueState) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for running in &state.running {
        *counts.entry(format!("project/{}", running.project)).or_default() += 1;
        let place = match &running.place {
            Place::OnDemand => "account".to_owned(),
            Place::Fleet(arn) => format!("fleet/{arn}"),
        };
        *counts.entry(place).or_default() += 1;
    }
    counts
}
