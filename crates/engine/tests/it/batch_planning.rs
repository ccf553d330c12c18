//! How long planning takes.

use std::fmt::Write as _;
use std::time::Duration;

use base::{Machine, Timestamp};
use engine::build_batch::{BatchInput, BatchState, BuildBatch, SpecText};

use crate::batch_world::batch_request;

/// `nodes` builds, each behind up to three others.
fn graph(nodes: usize) -> String {
    let mut text = String::from("version: 0.2\nbatch:\n  build-graph:\n");
    for n in 0..nodes {
        let _ = writeln!(text, "    - identifier: build_{n}\n      env: {{variables: {{N: '{n}'}}}}");
        let dependencies: Vec<String> = [n / 2, n.saturating_sub(1), n.saturating_sub(20)]
            .iter()
            .filter(|d| **d < n)
            .map(|d| format!("build_{d}"))
            .collect();
        if !dependencies.is_empty() {
            let _ = writeln!(text, "      depend-on: [{}]", dependencies.join(", "));
        }
    }
    text.push_str("phases: {build: {commands: [make]}}\n");
    text
}

/// What this thread has worked: a busy machine does not count.
fn worked() -> Duration {
    Duration::try_from(rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime)).unwrap()
}

/// The best of several.
fn planning(nodes: usize) -> Duration {
    let now = Timestamp::from_secs(1_800_000_000);
    let state = BuildBatch::step(&BatchState::new(batch_request(now)), BatchInput::Start, now).unwrap();
    let key = state.effects[0].key.clone();
    let text = graph(nodes);
    let mut best = Duration::MAX;
    for _ in 0..7 {
        let text = SpecText { buildspec: text.clone(), resolved_version: None, secondary_versions: Default::default() };
        let input = BatchInput::SpecRead { key: key.clone(), text };
        let before = worked();
        let step = BuildBatch::step(&state.state, input, now).unwrap();
        best = best.min(worked() - before);
        assert_eq!(step.state.groups.len(), nodes);
    }
    best
}

#[test]
fn planning_grows_with_the_number_of_builds_and_not_with_its_square() {
    let (small, large) = (planning(200), planning(1_600));
    println!("planned 200 builds in {small:?}, 400 in {:?}, 1600 in {large:?}", planning(400));
    // Eight times as many: 64 times as long if it were the square. Half of that is noise enough.
    assert!(large < small * 32, "200 builds: {small:?}, 1600 builds: {large:?}");
}
