//! Times of what is pure, for `cargo xtask bench`: one line of JSON. Arguments: the buildspecs to read.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use engine::build_batch::plan;
use formats::buildspec::read;

const TRIES: usize = 51;

fn main() {
    let mut largest = String::new();
    for path in std::env::args().skip(1) {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        if text.len() > largest.len() {
            largest = text;
        }
    }
    let parse = median(|| drop(read(&largest)));
    let mut out = format!("{{\"bytes\":{},\"parse_ns\":{}", largest.len(), parse.as_nanos());
    for nodes in [100, 200, 400, 800] {
        let text = graph(nodes);
        let planned = median(|| {
            let (spec, _) = read(&text);
            let builds = spec.and_then(|spec| spec.batch).and_then(|batch| plan(&batch).ok()).unwrap_or_default();
            assert_eq!(builds.len(), nodes, "the graph can be planned");
        });
        let _ = write!(out, ",\"plan_{nodes}_ns\":{}", planned.as_nanos());
    }
    println!("{out}}}");
}

fn median(mut work: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..TRIES)
        .map(|_| {
            let begin = Instant::now();
            work();
            begin.elapsed()
        })
        .collect();
    times.sort();
    times.get(TRIES / 2).copied().unwrap_or_default()
}

/// So many builds, each behind up to three others.
fn graph(nodes: usize) -> String {
    let mut text = String::from("version: 0.2\nbatch:\n  build-graph:\n");
    for n in 0..nodes {
        let _ = writeln!(text, "    - identifier: build_{n}\n      env: {{variables: {{N: '{n}'}}}}");
        let before = [n / 2, n.saturating_sub(1), n.saturating_sub(20)];
        let before: Vec<String> = before.iter().filter(|d| **d < n).map(|d| format!("build_{d}")).collect();
        if !before.is_empty() {
            let _ = writeln!(text, "      depend-on: [{}]", before.join(", "));
        }
    }
    text.push_str("phases: {build: {commands: [make]}}\n");
    text
}
