//! A seeded simulation of gates, executions, their builds and the performers of both: results are lost, repeated, delayed
//! and reordered, and the server crashes between commit and perform, and between perform and commit.
//!
//! `SIM_SEED=n` replays one seed; `SIM_SEEDS=n` runs that many (10,000 unless said otherwise).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base::{Effect, Machine};
use engine::build::{ArtifactTarget, BuildStatus, OutputArtifact, OutputSection, Parent, Place};
use engine::pipeline::{
    ActionEffect, ActionResult, ActionStatus, Approval, Artifact, Begun, CancelAction, ConditionStatus, Ended,
    Execution, ExecutionInput, ExecutionKind, ExecutionState, External, GateInput, Mode, Phase, RetryTrigger,
    RuleStatus, RunAction, StageRun, StageStatus, Verdict, Work,
};
use formats::pipeline::{ConditionKind, PipelineDeclaration, RetryMode};

use crate::build_simulation::request;
use crate::build_world::{Builds, jump};
use crate::pipeline_declare::declare;
use crate::pipeline_world::World;
use crate::rng::{Rng, each_seed};

const PIPELINES: [&str; 5] = [
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
    "stage Source
on-failure RETRY ALL_ACTIONS
action Src CodeCommit out=Src ns=Source
stage Ship
on-failure ROLLBACK
action Put S3 in=Src ObjectKey=#{Source.Sometimes}
stage Build
on-failure RETRY FAILED_ACTIONS
action Unit CodeBuild in=Src
action Lint CodeBuild in=Src",
    "stage Source
condition beforeEntry FAIL
rule L LambdaInvoke FunctionName=f
action Src CodeCommit out=Src ns=Source
stage Build
condition beforeEntry SKIP
rule V VariableCheck Variable=#{Source.Sometimes} Operator=EQ Value=x
condition onSuccess ROLLBACK
rule B CodeBuild ProjectName=p in=Src
rule L LambdaInvoke FunctionName=f
action Compile CodeBuild in=Src
stage Ship
condition beforeEntry FAIL
rule W DeploymentWindow Cron=*~*~*~?~*~MON-SAT
rule B CodeBuild ProjectName=p in=Src timeout=60
condition onFailure FAIL
rule A CloudWatchAlarm AlarmName=a
action Put S3 in=Src
stage Last
condition onFailure ROLLBACK
rule A CloudWatchAlarm AlarmName=a
action Put S3 in=Src",
];

struct Outside {
    /// Effects of executions, committed and not yet finished; a crash leaves them here.
    outbox: Vec<(String, Effect<ActionEffect>)>,
    /// The real machines; they tell their ends to their executions.
    builds: Builds,
    /// Build by the key of the effect that wanted it.
    begun: BTreeMap<String, String>,
}

struct Simulation {
    world: World,
    outside: Outside,
    rng: Rng,
    started: usize,
    rolled_back: usize,
    /// Executions whose wish to stop was taken.
    stopped: Vec<String>,
}

/// How often something happened, over all seeds: a simulation that never gets there proves nothing.
static SEEN: [AtomicU64; 11] = [const { AtomicU64::new(0) }; 11];
const RETRIED: usize = 0;
const RETRIED_BY_ITSELF: usize = 1;
const ROLLED_BACK: usize = 2;
const ROLLED_BACK_BY_ITSELF: usize = 3;
const OVERRIDDEN: usize = 4;
const SKIPPED: usize = 5;
const SUPERSEDED: usize = 6;
const QUEUED_BEHIND_ANOTHER: usize = 7;
const SIDE_BY_SIDE: usize = 8;
const MODE_CHANGED: usize = 9;
const PUT_OFF: usize = 10;

fn saw(what: usize) {
    SEEN[what].fetch_add(1, Ordering::Relaxed);
}

#[test]
fn whatever_is_lost_repeated_or_late_every_execution_ends_once_and_in_order() {
    each_seed(simulate);
    let seen: Vec<u64> = SEEN.iter().map(|n| n.load(Ordering::Relaxed)).collect();
    println!(
        "retried, by itself; rolled back, by itself; overridden; skipped; superseded; queued behind another; in parallel; \
         mode changed; put off at the gates: {seen:?}"
    );
    let few = ["SIM_SEED", "SIM_SEEDS"].iter().any(|name| std::env::var_os(name).is_some());
    assert!(few || seen.iter().all(|n| *n > 0), "{seen:?}");
}

fn simulate(seed: u64) {
    let mut rng = Rng::new(seed);
    let stages = match rng.chance(50) {
        true => PIPELINES[rng.below(PIPELINES.len())].to_owned(),
        false => random_stages(&mut rng),
    };
    let mode = any_mode(&mut rng);
    let text = format!("mode {}\n{stages}", mode.as_str());
    let text = if mode == Mode::Parallel { text.replace("ROLLBACK", "FAIL") } else { text };
    let declaration: PipelineDeclaration = declare(text.lines());
    let mut world = World::new(declaration);
    world.keep_events = false;
    let outside = Outside { outbox: Vec::new(), builds: Builds::default(), begun: BTreeMap::new() };
    let mut sim = Simulation { world, outside, rng, started: 0, rolled_back: 0, stopped: Vec::new() };
    // Rollbacks need an execution that has come far: some seeds go on for long.
    let steps = if seed.is_multiple_of(8) { 300 } else { 40 };
    for _ in 0..steps {
        sim.disturb();
        sim.admit();
        sim.collect();
        sim.check();
    }
    sim.drain();
    sim.final_check(seed.is_multiple_of(4));
}

fn any_mode(rng: &mut Rng) -> Mode {
    [Mode::Superseded, Mode::Queued, Mode::Parallel][rng.below(3)]
}

/// Two to four stages of one to three actions, with conditions and wishes for failures as they fall.
fn random_stages(rng: &mut Rng) -> String {
    let mut lines = vec!["stage Source".to_owned()];
    let sources = 1 + rng.below(2);
    for n in 0..sources {
        let provider = ["CodeCommit", "S3Source"][rng.below(2)];
        lines.push(format!("action S{n} {provider} out=S{n} ns=N{n}"));
    }
    for stage in 1..=1 + rng.below(3) {
        lines.push(format!("stage T{stage}"));
        match rng.below(8) {
            0 => lines.push("on-failure RETRY FAILED_ACTIONS".to_owned()),
            1 => lines.push("on-failure RETRY ALL_ACTIONS".to_owned()),
            2 => lines.push("on-failure ROLLBACK".to_owned()),
            3 => lines.extend(["condition onFailure ROLLBACK".to_owned(), rule(rng)]),
            _ => {}
        }
        match rng.below(6) {
            0 => lines.extend(["condition beforeEntry FAIL".to_owned(), rule(rng)]),
            1 => {
                let skip = "rule V VariableCheck Variable=#{N0.Sometimes} Operator=EQ Value=x";
                lines.extend(["condition beforeEntry SKIP".to_owned(), skip.to_owned()]);
            }
            2 => lines.extend(["condition onSuccess FAIL".to_owned(), rule(rng)]),
            _ => {}
        }
        for action in 0..=rng.below(3) {
            let (order, source) = (1 + rng.below(2), rng.below(sources));
            lines.push(match rng.below(4) {
                0 => format!("action A{action} Manual order={order}"),
                1 => format!("action A{action} S3 in=S{source} order={order}"),
                _ => format!("action A{action} CodeBuild in=S{source} out=O{stage}{action} order={order}"),
            });
        }
    }
    lines.join("\n")
}

fn rule(rng: &mut Rng) -> String {
    let rules = [
        "rule L LambdaInvoke FunctionName=f",
        "rule B CodeBuild ProjectName=p in=S0",
        "rule V VariableCheck Variable=#{N0.Sometimes} Operator=NE Value=x",
    ];
    rules[rng.below(rules.len())].to_owned()
}

impl Simulation {
    fn collect(&mut self) {
        self.outside.outbox.append(&mut self.world.effects);
    }

    fn disturb(&mut self) {
        match self.rng.below(100) {
            0..=14 if self.started < if self.world.gates.state.mode == Mode::Superseded { 5 } else { 8 } => {
                self.started += 1;
                let id = format!("e{}", self.started);
                self.world.create(&id, BTreeMap::new());
                self.world.execution(&id, ExecutionInput::Start).unwrap();
            }
            0..=54 => self.perform_one(),
            55..=74 => self.build_on(),
            75..=82 => self.decide(),
            83..=86 => self.stop(),
            87..=90 => self.change_transition(),
            91 => self.update(),
            92 | 93 => {
                let minutes = [1, 61, 9 * 24 * 60][self.rng.below(3)];
                let from = self.world.now;
                self.world.pass(Duration::from_secs(minutes * 60));
                self.outside.builds.pass(&mut self.rng, (from, self.world.now), false);
                self.hear();
            }
            94 => {
                self.outside.builds.stop_one(&mut self.rng, self.world.now);
                self.hear();
            }
            95 | 96 => self.retry(),
            97 => self.override_condition(),
            98 => self.roll_back(),
            _ => self.build_on(),
        }
    }

    /// The timer of the gates is due as soon as it is set; others may be faster, and it may fire when it has nothing to do.
    fn admit(&mut self) {
        if !self.world.puts_off() {
            return;
        }
        saw(PUT_OFF);
        if self.rng.chance(50) {
            self.world.admit();
            if self.rng.chance(20) {
                self.world.gates(GateInput::Admit).unwrap();
            }
        }
    }

    fn any_execution(&mut self) -> Option<String> {
        self.one_that(|_| true)
    }

    /// Mostly an execution for which something can come of the wish, now and then any.
    fn one_that(&mut self, fits: impl Fn(&ExecutionState) -> bool) -> Option<String> {
        let all = self.rng.chance(20);
        let ids: Vec<&String> = self.world.order.iter().filter(|id| all || fits(self.world.state(id))).collect();
        (!ids.is_empty()).then(|| ids[self.rng.below(ids.len())].clone())
    }

    /// A retry is taken only from the execution that was in the stage last, under the current definition.
    fn retry(&mut self) {
        let failed = |s: &ExecutionState| s.phase == Phase::Ended(Ended::Failed);
        let Some(id) = self.one_that(failed) else { return };
        let Some(stage) = self.world.state(&id).stages.last().map(|s| s.name.clone()) else { return };
        let mode = if self.rng.chance(50) { RetryMode::FailedActions } else { RetryMode::AllActions };
        let before = self.world.state(&id).clone();
        let latest = self.world.gates.state.gate(&stage).and_then(|g| g.latest.clone());
        if self.world.retry(&id, &stage, mode, "ann").is_ok() {
            if before.mode() != Mode::Parallel {
                assert_eq!(latest.as_ref(), Some(&id), "an execution came back behind another");
                assert_eq!(before.version, self.world.gates.state.version, "an old definition came back");
            }
            let last = before.stages.last().unwrap();
            let failed = last.actions.iter().any(|a| matches!(a.status, ActionStatus::Failed(_)));
            assert!(failed || mode == RetryMode::AllActions, "nothing had failed");
            assert!(last.rules().all(|r| r.status != RuleStatus::Working), "a condition was being checked");
            saw(RETRIED);
        }
    }

    fn override_condition(&mut self) {
        let checked = |s: &ExecutionState| s.stages.last().is_some_and(|s| !s.conditions.is_empty());
        let Some(id) = self.one_that(checked) else { return };
        let Some(stage) = self.world.state(&id).stages.last().map(|s| s.name.clone()) else { return };
        let kind = if self.rng.chance(50) { ConditionKind::BeforeEntry } else { ConditionKind::OnSuccess };
        let before = self.world.state(&id).stages.last().and_then(|s| s.condition(kind)).map(|c| c.status.clone());
        if self.world.override_condition(&id, &stage, kind).is_ok() {
            use ConditionStatus::{Errored, Failed, InProgress};
            assert!(matches!(before, Some(InProgress | Failed | Errored)), "{before:?} was overridden");
            saw(OVERRIDDEN);
        }
    }

    fn roll_back(&mut self) {
        let gates = &self.world.gates.state.gates;
        let (stage, version) = (gates[self.rng.below(gates.len())].stage.clone(), self.world.gates.state.version);
        let target = self.one_that(|s| s.rollback_target(&stage, version).is_ok());
        let Some(target) = target.filter(|_| self.rolled_back < 3) else { return };
        let free = self.world.gates.state.gate(&stage).is_some_and(|g| g.inside.is_empty());
        let id = format!("r{}", self.rolled_back);
        if self.world.roll_back(&id, &stage, &target).is_ok() {
            self.rolled_back += 1;
            saw(ROLLED_BACK);
            assert!(free, "a rollback entered a stage that was taken");
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
            ActionEffect::Cancel(cancel) => self.cancel(cancel),
            // The rollback begins in the transaction that says so.
            ActionEffect::RollBack(_) if lost_after => {}
            ActionEffect::RollBack(asked) => self.world.perform_rollback(&execution, &asked),
            ActionEffect::Run(run) => {
                // A performer first asks whether the work is still wanted.
                if self.world.state(&execution).wants(&effect.key) {
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
                let id = self.begin(execution, key, run);
                let external = External { id: Some(id), ..External::default() };
                let input = ExecutionInput::ActionStarted { key: key.to_owned(), external };
                self.world.execution(execution, input).unwrap();
            }
            Work::CodeCommitSource { .. }
            | Work::GitSource { .. }
            | Work::S3Source { .. }
            | Work::S3Deploy { .. }
            | Work::Call { .. }
            | Work::InvokePipeline { .. }
            | Work::ReadMatrix(_)
            | Work::CloudWatchAlarm { .. }
            | Work::LambdaInvoke { .. }
            | Work::Worker { .. } => {
                if lost {
                    return;
                }
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
        let value = if self.rng.chance(75) { "x" } else { "another" };
        let variables = if self.rng.chance(80) { vec![("Sometimes".to_owned(), value.to_owned())] } else { Vec::new() };
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

    /// As `start_for_pipeline` does: the same key gives the same build.
    fn begin(&mut self, execution: &str, key: &str, run: RunAction) -> String {
        let uuid = base::derived_uuid(&["codebuild", execution, key]).to_string();
        let mut request = request(&uuid, self.world.now);
        let id = request.id.clone();
        if self.outside.builds.rows.contains_key(&id) {
            return id;
        }
        let place = |a: &Artifact| Place { bucket: a.bucket.clone(), key: a.key.clone() };
        let section = OutputSection::default;
        let outputs =
            run.outputs.iter().map(|a| OutputArtifact { name: a.name.clone(), place: place(a), section: section() });
        request.artifacts = ArtifactTarget::Pipeline(outputs.collect());
        let (kind, parent) = (Execution::KIND.to_owned(), execution.to_owned());
        request.parent = Some(Parent { kind, id: parent, key: key.to_owned() });
        assert!(self.outside.begun.insert(key.to_owned(), id.clone()).is_none(), "a build began twice");
        self.outside.builds.create(request, self.world.now);
        self.hear();
        id
    }

    /// Without an id the build never began, and will not: nobody wants it.
    fn cancel(&mut self, cancel: CancelAction) {
        let known = self.outside.begun.get(&cancel.key).cloned();
        assert!(known.is_none() || known == cancel.external_id, "a build is not told to end: {known:?}");
        if let Some(id) = cancel.external_id {
            self.outside.builds.stop(&id, self.world.now);
            self.hear();
        }
    }

    /// Something happens to some build; what it tells arrives in the same transaction.
    fn build_on(&mut self) {
        self.outside.builds.disturb(&mut self.rng, self.world.now);
        self.hear();
    }

    fn hear(&mut self) {
        for tell in std::mem::take(&mut self.outside.builds.tells) {
            let input: ExecutionInput = serde_json::from_value(tell.input).expect("a tell that its parent can read");
            let ExecutionInput::ActionFinished { key, .. } = &input else { panic!("{input:?}") };
            let wanted = self.world.state(&tell.id).wants(key);
            let heard = self.world.execution(&tell.id, input);
            assert_eq!(heard.is_ok(), wanted, "an end is heard exactly when it is waited for");
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
        let Some(id) = self.any_execution() else { return };
        let abandon = self.rng.chance(50);
        let ended = self.world.state(&id).is_ended();
        let answer = self.world.execution(&id, ExecutionInput::Stop { abandon, reason: None, by: "ann".into() });
        assert!(!ended || answer.is_err(), "an ended execution was stopped");
        if answer.is_ok() {
            self.stopped.push(id);
        }
    }

    fn change_transition(&mut self) {
        let gates = &self.world.gates.state.gates;
        let stage = gates[self.rng.below(gates.len())].stage.clone();
        let input = if self.rng.chance(50) {
            GateInput::Disable { stage, reason: "freeze".into(), by: "ann".into() }
        } else {
            GateInput::Enable { stage, by: "ann".into() }
        };
        let closes = matches!(input, GateInput::Disable { .. });
        let refused = closes && self.world.gates.state.mode == Mode::Parallel;
        assert_eq!(self.world.gates(input).is_err(), refused, "mode PARALLEL alone has no transitions");
    }

    /// The last stage goes or comes back; now and then the mode changes.
    fn update(&mut self) {
        let all: Vec<String> = self.world.definition.stages.iter().map(|s| s.name.clone()).collect();
        let keep = if self.rng.chance(50) { all.len() } else { all.len() - 1 };
        let version = self.world.gates.state.version + 1;
        let before = self.world.gates.state.mode;
        let mode = if self.rng.chance(50) { any_mode(&mut self.rng) } else { before };
        if mode != before {
            saw(MODE_CHANGED);
        }
        let free =
            |world: &World| world.gates.state.parallel.iter().map(|id| world.state(id).clone()).collect::<Vec<_>>();
        let parallel = free(&self.world);
        self.world.gates(GateInput::Redefine { version, mode, stages: all.into_iter().take(keep).collect() }).unwrap();
        assert_eq!(free(&self.world), parallel, "an update touches no execution of mode PARALLEL");
    }

    /// The weather clears: everything gets through.
    fn drain(&mut self) {
        let all: Vec<String> = self.world.definition.stages.iter().map(|s| s.name.clone()).collect();
        for _ in 0..200 {
            self.collect();
            for stage in &all {
                let _ = self.world.gates(GateInput::Enable { stage: stage.clone(), by: "ann".into() });
            }
            while self.world.puts_off() {
                self.world.admit();
            }
            let outbox = std::mem::take(&mut self.outside.outbox);
            for (execution, effect) in outbox {
                match effect.effect {
                    ActionEffect::Cancel(cancel) => self.cancel(cancel),
                    ActionEffect::RollBack(asked) => self.world.perform_rollback(&execution, &asked),
                    ActionEffect::Run(run) if self.world.state(&execution).wants(&effect.key) => {
                        self.work(&execution, &effect.key, *run, false);
                    }
                    ActionEffect::Run(_) => {}
                }
            }
            self.outside.builds.clear_up(&mut self.rng, self.world.now);
            self.hear();
            if !self.outside.builds.all_completed() {
                let from = self.world.now;
                self.world.now = from + jump(&mut self.rng);
                self.outside.builds.pass(&mut self.rng, (from, self.world.now), true);
                self.hear();
            }
            for (id, stage, action, token) in self.pending_approvals() {
                let (verdict, summary, by) = (Verdict::Approved, String::new(), "ann".into());
                let approval = Approval { stage, action, token, verdict, summary, by };
                self.world.execution(&id, ExecutionInput::Approve(approval)).unwrap();
            }
            self.check();
            let quiet = self.world.effects.is_empty() && self.outside.builds.is_quiet();
            if quiet && self.world.executions.values().all(|r| r.state.is_ended()) {
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
            let many = gates.mode == Mode::Queued;
            assert!(many || gate.waiting.len() <= 1, "before stage {} wait {:?}", gate.stage, gate.waiting);
            if gate.waiting.len() > 1 {
                saw(QUEUED_BEHIND_ANOTHER);
            }
            assert!(
                !gate.is_open() || gate.waiting.is_empty() || !gate.inside.is_empty() || self.world.puts_off(),
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
            let free = row.state.mode() == Mode::Parallel && !row.state.is_ended() && row.state.phase != Phase::New;
            assert_eq!(gates.parallel.iter().filter(|e| *e == id).count(), usize::from(free), "{id} goes by itself");
            let expected = match row.state.phase {
                Phase::Waiting { .. } | Phase::HandingOver { .. } if free => panic!("{id} of mode PARALLEL waits"),
                Phase::Running { .. } if free => (0, 0),
                Phase::Running { .. } | Phase::HandingOver { .. } => (1, 0),
                Phase::Waiting { .. } => (0, 1),
                Phase::New | Phase::Ended(_) => (0, 0),
            };
            assert_eq!((inside, waiting), expected, "{id} is in one place");
            let timers = self.world.timers.keys().filter(|(e, _)| e == id).count();
            let busy = row.state.stages.iter().flat_map(|s| &s.actions).filter(|a| !a.is_ended()).count();
            let rules = row.state.stages.iter().flat_map(|s| s.rules());
            let busy = busy + rules.filter(|r| r.status == RuleStatus::Working).count();
            let busy = busy + usize::from(matches!(row.state.phase, Phase::HandingOver { .. }));
            assert_eq!(timers, busy, "every wait of {id} has a limit, and nothing else has");
        }
        if gates.parallel.len() > 1 {
            saw(SIDE_BY_SIDE);
        }
        self.check_order();
        self.check_families();
    }

    /// In mode QUEUED nobody gets ahead of one who came earlier.
    fn check_order(&self) {
        let version = self.world.gates.state.version;
        let mut ahead: Option<(usize, &String)> = None;
        for id in &self.world.order {
            let state = self.world.state(id);
            if state.mode() != Mode::Queued || state.version != version || state.kind != ExecutionKind::Standard {
                continue;
            }
            let place = match state.phase {
                Phase::Waiting { stage } => 2 * stage,
                Phase::Running { stage, .. } | Phase::HandingOver { stage } => 2 * stage + 1,
                Phase::New | Phase::Ended(_) => continue,
            };
            if let Some((earlier, other)) = ahead {
                assert!(place <= earlier, "{id} has overtaken {other}");
            }
            ahead = Some((place, id));
        }
        for gate in &self.world.gates.state.gates {
            let came = |id: &String| self.world.order.iter().position(|e| e == id);
            assert!(
                gate.waiting.is_sorted_by_key(came),
                "the queue before {} is out of order: {:?}",
                gate.stage,
                gate.waiting
            );
        }
    }

    /// What an execution says of an action is what its build says.
    fn check_families(&self) {
        for row in self.outside.builds.rows.values() {
            let parent = row.state.request.parent.as_ref().expect("a build of a pipeline");
            let end = row.state.completed().map(|(status, _)| status);
            if let Some(rule) = self.world.state(&parent.id).rule_by_key(&parent.key) {
                let fits = match &rule.status {
                    RuleStatus::Working => end.is_none(),
                    RuleStatus::Succeeded => end == Some(BuildStatus::Succeeded),
                    RuleStatus::Failed(error) if error.code == "JobTimedOut" => true,
                    RuleStatus::Failed(_) => end.is_some_and(|status| status != BuildStatus::Succeeded),
                    RuleStatus::Abandoned => true,
                };
                assert!(fits, "the rule {} is {:?} and its build {end:?}", parent.key, rule.status);
                continue;
            }
            let action = self.world.state(&parent.id).action_by_key(&parent.key).expect("the action of the build");
            let fits = match &action.status {
                ActionStatus::Working => end.is_none(),
                ActionStatus::Succeeded { .. } => end == Some(BuildStatus::Succeeded),
                // Timed out, abandoned or cancelled: the build is told, and may end as it likes.
                ActionStatus::Failed(error) if error.code == "JobTimedOut" => true,
                ActionStatus::Failed(_) => end.is_some_and(|status| status != BuildStatus::Succeeded),
                ActionStatus::Abandoned => true,
                ActionStatus::AwaitingApproval { .. } => false,
            };
            assert!(fits, "the action {} is {:?} and its build {end:?}", parent.key, action.status);
        }
    }

    fn place(&self, id: &str) -> Option<(char, &str)> {
        let state = self.world.state(id);
        let name = |n: usize| state.definition.stages[n].name.as_str();
        match state.phase {
            Phase::Running { stage, .. } | Phase::HandingOver { stage } => Some(('r', name(stage))),
            Phase::Waiting { stage } => Some(('w', name(stage))),
            Phase::New | Phase::Ended(_) => None,
        }
    }

    fn final_check(&self, fold: bool) {
        for row in self.world.executions.values() {
            let automatic = |s: &&Arc<StageRun>| {
                matches!(s.begun, Begun::Retried { trigger: RetryTrigger::AutomatedStageRetry, .. })
            };
            row.state.stages.iter().filter(automatic).for_each(|_| saw(RETRIED_BY_ITSELF));
            let skipped = |s: &&Arc<StageRun>| s.status == StageStatus::Skipped;
            row.state.stages.iter().filter(skipped).for_each(|_| saw(SKIPPED));
            if row.state.trigger.kind == "AutomatedRollback" {
                saw(ROLLED_BACK_BY_ITSELF);
            }
            if let Phase::Ended(Ended::Superseded { by }) = &row.state.phase {
                saw(SUPERSEDED);
                assert_eq!(row.state.mode(), Mode::Superseded, "superseded in another mode");
                let came = |id: &String| self.world.order.iter().position(|e| e == id);
                assert!(came(by) > came(&row.state.id), "superseded by one that came earlier");
            }
        }
        for id in &self.stopped {
            let phase = &self.world.state(id).phase;
            assert!(matches!(phase, Phase::Ended(Ended::Stopped(_))), "{id} was to stop and is {phase:?}");
        }
        // Stage by stage, the executions of a queue went in as they came.
        let mut last: BTreeMap<(u32, &String), usize> = BTreeMap::new();
        for (id, stage) in &self.world.entered {
            let state = self.world.state(id);
            if state.mode() == Mode::Queued && state.kind == ExecutionKind::Standard {
                let came = self.world.order.iter().position(|e| e == id).unwrap();
                let before = last.insert((state.version, stage), came);
                assert!(before.is_none_or(|before| before < came), "{id} entered {stage} out of turn");
            }
        }
        self.outside.builds.final_check(fold);
        if !fold {
            return;
        }
        assert_eq!(self.world.gates.folded(), self.world.gates.state);
        for (id, row) in &self.world.executions {
            assert_eq!(row.folded(), row.state, "folding the inputs of {id} gives its state");
            let json = serde_json::to_value(&row.state).unwrap();
            assert_eq!(serde_json::from_value::<engine::pipeline::ExecutionState>(json).unwrap(), row.state);
        }
    }
}
