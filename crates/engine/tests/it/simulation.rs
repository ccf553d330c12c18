//! A seeded simulation of gates, executions and their performers: results are lost, repeated, delayed and reordered, and the
//! server crashes between commit and perform, and between perform and commit.
//!
//! `SIM_SEED=n` replays one seed; `SIM_SEEDS=n` runs that many (10,000 unless said otherwise).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use base::Effect;
use engine::pipeline::{
    ActionEffect, ActionResult, ActionStatus, Approval, Artifact, ExecutionInput, External, GateInput, Phase,
    RunAction, Verdict, Work,
};
use formats::pipeline::PipelineDeclaration;

use crate::pipeline_world::{World, declare};

const PIPELINES: [&str; 3] = [
    "stage Source
action Src CodeCommit out=Src ns=Source
stage Build
action Compile CodeBuild in=Src out=App
stage Ship
action Ok Manual
action Put S3 in=App order=2",
    "stage Source
action One CodeCommit out=One
action Two S3Source out=Two
stage Build
action Unit CodeBuild in=One
action Lint CodeBuild in=Two
action Pack CodeBuild in=One,Two PrimarySource=One out=App order=2
stage Check
action Ok Manual timeout=60
stage Ship
action Put S3 in=App",
    "stage Source
action Src CodeCommit out=Src ns=Source
stage Build
action Compile CodeBuild in=Src EnvironmentVariables=[{\"name\":\"A\",\"value\":\"#{Source.Sometimes}\"}]",
];

struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n.max(1) as u64).unwrap()
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }
}

/// The outside: builds that run at most once by key, and results on their way.
struct Outside {
    /// Effects committed and not yet finished; a crash leaves them here.
    outbox: Vec<(String, Effect<ActionEffect>)>,
    /// Builds by key, with the execution that hears of them. Ended ones are told again until they are heard.
    builds: BTreeMap<String, (String, RunAction)>,
    cancelled: BTreeSet<String>,
    /// Results under way.
    results: Vec<(String, ExecutionInput)>,
    begun: BTreeMap<String, u32>,
}

struct Simulation {
    world: World,
    outside: Outside,
    rng: Rng,
    started: usize,
}

#[test]
fn whatever_is_lost_repeated_or_late_every_execution_ends_once_and_in_order() {
    if let Ok(seed) = std::env::var("SIM_SEED") {
        simulate(seed.parse().expect("SIM_SEED is a number"));
        return;
    }
    let seeds: u64 = std::env::var("SIM_SEEDS").ok().map_or(10_000, |s| s.parse().expect("SIM_SEEDS is a number"));
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || {
                for seed in (thread..seeds).step_by(threads as usize) {
                    let result = std::panic::catch_unwind(|| simulate(seed));
                    assert!(result.is_ok(), "seed {seed} failed; replay it with SIM_SEED={seed}");
                }
            });
        }
    });
}

fn simulate(seed: u64) {
    let mut rng = Rng(seed);
    let declaration: PipelineDeclaration = declare(PIPELINES[rng.below(PIPELINES.len())].lines());
    let mut world = World::new(declaration);
    world.keep_events = false;
    let outside = Outside {
        outbox: Vec::new(),
        builds: BTreeMap::new(),
        cancelled: BTreeSet::new(),
        results: Vec::new(),
        begun: BTreeMap::new(),
    };
    let mut sim = Simulation { world, outside, rng, started: 0 };
    for _ in 0..40 {
        sim.disturb();
        sim.collect();
        sim.check();
    }
    sim.drain();
    sim.final_check();
}

impl Simulation {
    fn collect(&mut self) {
        self.outside.outbox.append(&mut self.world.effects);
    }

    fn disturb(&mut self) {
        match self.rng.below(100) {
            0..=14 if self.started < 5 => {
                self.started += 1;
                let id = format!("e{}", self.started);
                self.world.create(&id, BTreeMap::new());
                self.world.execution(&id, ExecutionInput::Start).unwrap();
            }
            0..=54 => self.perform_one(),
            55..=74 => self.deliver_one(),
            75..=82 => self.decide(),
            83..=86 => self.stop(),
            87..=90 => self.change_transition(),
            91 => self.update(),
            92..=94 => {
                let minutes = [1, 61, 9 * 24 * 60][self.rng.below(3)];
                self.world.pass(Duration::from_secs(minutes * 60));
            }
            _ => self.end_builds(),
        }
    }

    /// The server claims an effect. It may die before it did anything, or after it did it and before it said so.
    fn perform_one(&mut self) {
        if self.outside.outbox.is_empty() {
            return;
        }
        let n = self.rng.below(self.outside.outbox.len());
        if self.rng.chance(20) {
            return;
        }
        let (execution, effect) = self.outside.outbox[n].clone();
        let lost_after = self.rng.chance(20);
        match effect.effect {
            ActionEffect::Cancel(cancel) => {
                self.outside.cancelled.insert(cancel.key);
            }
            ActionEffect::Run(run) => {
                // A performer first asks whether the work is still wanted.
                if self.world.state(&execution).wants(&effect.key) && !self.outside.cancelled.contains(&effect.key) {
                    self.work(&execution, &effect.key, *run, lost_after);
                }
            }
        }
        if !lost_after {
            self.outside.outbox.remove(n);
        }
    }

    fn work(&mut self, execution: &str, key: &str, run: RunAction, lost: bool) {
        match run.work {
            // The build is made in the transaction that says so: it is there or it is not.
            Work::CodeBuild { .. } if lost => {}
            Work::CodeBuild { .. } => {
                *self.outside.begun.entry(key.to_owned()).or_default() += 1;
                self.outside.builds.insert(key.to_owned(), (execution.to_owned(), run));
                let external = External { id: Some(format!("build:{key}")), ..External::default() };
                let input = ExecutionInput::ActionStarted { key: key.to_owned(), external };
                let _ = self.world.execution(execution, input);
            }
            Work::CodeCommitSource { .. } | Work::S3Source { .. } | Work::S3Deploy { .. } if lost => {}
            Work::CodeCommitSource { .. } | Work::S3Source { .. } | Work::S3Deploy { .. } => {
                let result = self.result(&run);
                let input = ExecutionInput::ActionFinished { key: key.to_owned(), result };
                let _ = self.world.execution(execution, input);
            }
        }
    }

    fn result(&mut self, run: &RunAction) -> ActionResult {
        if self.rng.chance(10) {
            return ActionResult::Failed {
                code: "JobFailed".into(),
                message: "it broke".into(),
                external_execution_id: None,
                external_execution_url: None,
                summary: None,
            };
        }
        let variables = if self.rng.chance(80) { vec![("Sometimes".to_owned(), "x".to_owned())] } else { Vec::new() };
        let outputs: Vec<Artifact> = if self.rng.chance(95) { run.outputs.clone() } else { Vec::new() };
        ActionResult::Succeeded {
            external_execution_id: None,
            external_execution_url: None,
            summary: None,
            output_variables: variables.into_iter().collect(),
            output_artifacts: outputs,
            revision: None,
        }
    }

    /// Builds end; each one's result sets out, sometimes twice.
    fn end_builds(&mut self) {
        let builds: Vec<_> = self.outside.builds.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
        for (key, (execution, run)) in builds {
            let result = self.result(&run);
            let copies = if self.rng.chance(30) { 2 } else { 1 };
            for _ in 0..copies {
                let input = ExecutionInput::ActionFinished { key: key.clone(), result: result.clone() };
                self.outside.results.push((execution.clone(), input));
            }
        }
    }

    /// A result arrives, out of order, or is lost; a lost one is sent again as long as the build is unheard.
    fn deliver_one(&mut self) {
        if self.outside.results.is_empty() {
            return self.end_builds();
        }
        let n = self.rng.below(self.outside.results.len());
        let (execution, input) = self.outside.results.swap_remove(n);
        if self.rng.chance(20) {
            return;
        }
        if let ExecutionInput::ActionFinished { key, .. } = &input
            && self.world.execution(&execution, input.clone()).is_ok()
        {
            self.outside.builds.remove(key);
        }
    }

    fn pending_approvals(&self) -> Vec<(String, String, String, String)> {
        let mut pending = Vec::new();
        for (id, row) in &self.world.executions {
            for stage in &row.state.stages {
                for action in &stage.actions {
                    if let ActionStatus::AwaitingApproval { token } = &action.status {
                        pending.push((id.clone(), stage.name.clone(), action.name.clone(), token.clone()));
                    }
                }
            }
        }
        pending
    }

    fn decide(&mut self) {
        let pending = self.pending_approvals();
        if pending.is_empty() {
            return;
        }
        let (id, stage, action, token) = pending[self.rng.below(pending.len())].clone();
        let verdict = if self.rng.chance(80) { Verdict::Approved } else { Verdict::Rejected };
        let right = self.rng.chance(80);
        let token = if right { token } else { "wrong".to_owned() };
        let approval = Approval { stage, action, token, verdict, summary: String::new(), by: "ann".into() };
        let first = self.world.execution(&id, ExecutionInput::Approve(approval.clone()));
        assert_eq!(first.is_ok(), right, "an approval is taken exactly when its token is right");
        assert!(self.world.execution(&id, ExecutionInput::Approve(approval)).is_err(), "an approval counts once");
    }

    fn stop(&mut self) {
        if self.started == 0 {
            return;
        }
        let id = format!("e{}", 1 + self.rng.below(self.started));
        let abandon = self.rng.chance(50);
        let ended = self.world.state(&id).is_ended();
        let answer = self.world.execution(&id, ExecutionInput::Stop { abandon, reason: None, by: "ann".into() });
        assert!(!ended || answer.is_err(), "an ended execution was stopped");
    }

    fn change_transition(&mut self) {
        let gates = &self.world.gates.state.gates;
        let stage = gates[self.rng.below(gates.len())].stage.clone();
        let input = if self.rng.chance(50) {
            GateInput::Disable { stage, reason: "freeze".into(), by: "ann".into() }
        } else {
            GateInput::Enable { stage, by: "ann".into() }
        };
        self.world.gates(input).unwrap();
    }

    /// The last stage goes or comes back.
    fn update(&mut self) {
        let all: Vec<String> = self.world.definition.stages.iter().map(|s| s.name.clone()).collect();
        let keep = if self.rng.chance(50) { all.len() } else { all.len() - 1 };
        let version = self.world.gates.state.version + 1;
        self.world.gates(GateInput::Redefine { version, stages: all.into_iter().take(keep).collect() }).unwrap();
    }

    /// The weather clears: everything gets through.
    fn drain(&mut self) {
        let all: Vec<String> = self.world.definition.stages.iter().map(|s| s.name.clone()).collect();
        for _ in 0..200 {
            self.collect();
            for stage in &all {
                let _ = self.world.gates(GateInput::Enable { stage: stage.clone(), by: "ann".into() });
            }
            let outbox = std::mem::take(&mut self.outside.outbox);
            for (execution, effect) in outbox {
                match effect.effect {
                    ActionEffect::Cancel(cancel) => drop(self.outside.cancelled.insert(cancel.key)),
                    ActionEffect::Run(run) if self.world.state(&execution).wants(&effect.key) => {
                        self.work(&execution, &effect.key, *run, false);
                    }
                    ActionEffect::Run(_) => {}
                }
            }
            self.outside.results.clear();
            self.end_builds();
            for (execution, input) in std::mem::take(&mut self.outside.results) {
                let ExecutionInput::ActionFinished { key, .. } = &input else { continue };
                self.outside.builds.remove(key);
                let _ = self.world.execution(&execution, input.clone());
            }
            for (id, stage, action, token) in self.pending_approvals() {
                let (verdict, summary, by) = (Verdict::Approved, String::new(), "ann".into());
                let approval = Approval { stage, action, token, verdict, summary, by };
                self.world.execution(&id, ExecutionInput::Approve(approval)).unwrap();
            }
            self.check();
            if self.world.executions.values().all(|r| r.state.is_ended()) && self.world.effects.is_empty() {
                return;
            }
        }
        panic!("some execution never ends");
    }

    fn check(&self) {
        let gates = &self.world.gates.state;
        assert!(self.world.unheard.is_empty(), "a tell or timer was refused: {:?}", self.world.unheard);
        for gate in gates.gates.iter().chain(&gates.removed) {
            assert!(gate.inside.len() <= 1, "stage {} holds {:?}", gate.stage, gate.inside);
            assert!(gate.waiting.len() <= 1, "before stage {} wait {:?}", gate.stage, gate.waiting);
            assert!(
                !gate.is_open() || gate.waiting.is_empty() || !gate.inside.is_empty(),
                "an open free stage is waited for"
            );
            for id in &gate.inside {
                assert_eq!(self.place(id), Some(('r', gate.stage.as_str())), "{id} is said to be inside");
            }
            for id in &gate.waiting {
                assert_eq!(self.place(id), Some(('w', gate.stage.as_str())), "{id} is said to wait");
            }
        }
        for (id, row) in &self.world.executions {
            let count = |list: fn(&engine::pipeline::Gate) -> &Vec<String>| {
                gates.gates.iter().chain(&gates.removed).filter(|g| list(g).contains(id)).count()
            };
            let (inside, waiting) = (count(|g| &g.inside), count(|g| &g.waiting));
            let expected = match row.state.phase {
                Phase::Running { .. } => (1, 0),
                Phase::Waiting { .. } => (0, 1),
                Phase::New | Phase::Ended(_) => (0, 0),
            };
            assert_eq!((inside, waiting), expected, "{id} is in one place");
            let timers = self.world.timers.keys().filter(|(e, _)| e == id).count();
            let busy = row.state.stages.iter().flat_map(|s| &s.actions).filter(|a| !a.is_ended()).count();
            assert_eq!(timers, busy, "every wait of {id} has a limit, and nothing else has");
        }
        assert!(self.outside.begun.values().all(|n| *n == 1), "a build began twice");
    }

    fn place(&self, id: &str) -> Option<(char, &str)> {
        let state = self.world.state(id);
        let name = |n: usize| state.definition.stages[n].name.as_str();
        match state.phase {
            Phase::Running { stage, .. } => Some(('r', name(stage))),
            Phase::Waiting { stage } => Some(('w', name(stage))),
            Phase::New | Phase::Ended(_) => None,
        }
    }

    fn final_check(&self) {
        assert_eq!(self.world.gates.folded(), self.world.gates.state);
        for (id, row) in &self.world.executions {
            assert_eq!(row.folded(), row.state, "folding the inputs of {id} gives its state");
            let json = serde_json::to_value(&row.state).unwrap();
            assert_eq!(serde_json::from_value::<engine::pipeline::ExecutionState>(json).unwrap(), row.state);
        }
    }
}
