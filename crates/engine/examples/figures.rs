//! Times of what is pure, for `cargo xtask bench`: one line of JSON. Arguments: the buildspecs to read.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use base::{AccountId, Machine, Region, Scope, Timestamp};
use engine::build_batch::plan;
use engine::pipeline::{
    ActionEffect, ActionResult, Execution, ExecutionInput, ExecutionState, NewExecution, RunAction, Trigger,
};
use formats::buildspec::read;
use formats::pipeline::PipelineDeclaration;
use serde_json::{Value, json};

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
    for actions in [50, 100, 250, 500] {
        let text = pipeline(actions).to_string();
        let walked = median(|| assert_eq!(walk(&text), actions, "every action is begun once"));
        let _ = write!(out, ",\"pipeline_{actions}_ns\":{}", walked.as_nanos());
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

/// Stages of 25 actions: sources, then builds that read an artifact and a variable of the stage before.
fn pipeline(actions: usize) -> Value {
    let each = 25;
    let id = |category: &str, provider: &str| json!({"category": category, "owner": "AWS", "provider": provider, "version": "1"});
    let source = |n: usize| {
        json!({
            "name": format!("a{n}"), "actionTypeId": id("Source", "S3"), "namespace": format!("n0-{n}"),
            "configuration": {"S3Bucket": "b", "S3ObjectKey": format!("{n}.zip")},
            "outputArtifacts": [{"name": format!("o0_{n}")}],
        })
    };
    let build = |stage: usize, n: usize| {
        let variables = format!(r##"[{{"name":"BEFORE","value":"#{{n{}-{n}.Made}}"}}]"##, stage - 1);
        json!({
            "name": format!("a{n}"), "actionTypeId": id("Build", "CodeBuild"), "namespace": format!("n{stage}-{n}"),
            "configuration": {"ProjectName": "p", "EnvironmentVariables": variables},
            "inputArtifacts": [{"name": format!("o{}_{n}", stage - 1)}],
            "outputArtifacts": [{"name": format!("o{stage}_{n}")}],
        })
    };
    let stage = |stage: usize| {
        let actions: Vec<Value> = (0..each).map(|n| if stage == 0 { source(n) } else { build(stage, n) }).collect();
        json!({"name": format!("s{stage}"), "actions": actions})
    };
    json!({
        "name": "large", "roleArn": "arn:aws:iam::123456789012:role/p", "version": 1, "pipelineType": "V2",
        "executionMode": "PARALLEL", "artifactStore": {"type": "S3", "location": "artifacts"},
        "stages": (0..actions / each).map(stage).collect::<Vec<_>>(),
    })
}

/// Reads and checks the declaration, and has the machine go all the way while each action succeeds; how many it began.
fn walk(text: &str) -> usize {
    let declaration: PipelineDeclaration = serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}"));
    formats::pipeline::validate(&declaration, "eu-west-1").unwrap_or_else(|e| panic!("{e}"));
    let (Some(account), Some(region)) = (AccountId::parse("123456789012"), Region::parse("eu-west-1")) else {
        panic!("an account and a region")
    };
    let mut state = ExecutionState::new(NewExecution {
        id: "e".to_owned(),
        scope: Scope { account, region },
        definition: std::sync::Arc::new(declaration),
        trigger: Trigger { kind: "StartPipelineExecution".to_owned(), detail: String::new() },
        variables: Default::default(),
        overrides: Vec::new(),
        starters: Vec::new(),
        salt: String::new(),
    });
    let mut inputs = std::collections::VecDeque::from([ExecutionInput::Start]);
    let mut begun = 0;
    while let Some(input) = inputs.pop_front() {
        let step = Execution::step(&state, input, Timestamp::from_secs(0)).unwrap_or_else(|e| panic!("{e}"));
        state = step.state;
        for effect in step.effects {
            let ActionEffect::Run(run) = effect.effect else { continue };
            begun += 1;
            inputs.push_back(ExecutionInput::ActionFinished { key: effect.key, result: done(*run) });
        }
    }
    assert_eq!(Execution::status(&state), "Succeeded", "all went well");
    begun
}

fn done(run: RunAction) -> ActionResult {
    ActionResult::Succeeded {
        external_execution_id: None,
        external_execution_url: None,
        summary: None,
        output_variables: [("Made".to_owned(), run.action)].into_iter().collect(),
        output_artifacts: run.outputs,
        revision: None,
    }
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
