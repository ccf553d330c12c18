//! A seeded simulation of gates, executions, their builds and the performers of both: results are lost, repeated, delayed
//! and reordered, and the server crashes between commit and perform, and between perform and commit.
//!
//! `SIM_SEED=n` replays one seed; `SIM_SEEDS=n` runs that many (10,000 unless said otherwise).

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use engine::pipeline::{
    ActionEffect, ActionStatus, ConditionStatus, Ended, ExecutionInput, ExecutionState, GateInput, Mode, Phase,
    RuleStatus, StageStatus,
};
use formats::pipeline::{ConditionKind, Provider, RetryMode};

use crate::build_world::jump;
use crate::pipeline_world::World;
use crate::rng::{Rng, each_seed};
use crate::simulation_approvals::Ballots;
use crate::simulation_checks::provider;
use crate::simulation_outside::Outside;
use crate::simulation_pipelines::{any_mode, any_pipelines};
use crate::simulation_seen::*;

pub struct Simulation {
    pub world: World,
    pub outside: Outside,
    pub rng: Rng,
    started: usize,
    is_crowded: bool,
    rolled_back: usize,
    /// Executions whose wish to stop was taken.
    pub stopped: Vec<String>,
    /// Executions that went on after their end.
    pub resumed: HashSet<String>,
    pub ballots: Ballots,
    /// How many inputs of each execution its state was checked after.
    pub checked: BTreeMap<String, usize>,
}

#[test]
fn whatever_is_lost_repeated_or_late_every_execution_ends_once_and_in_order() {
    each_seed(simulate);
    tell_what_was_seen();
}

fn simulate(seed: u64) {
    let mut rng = Rng::new(seed);
    let mut world = World::of(any_pipelines(&mut rng));
    world.keep_events = false;
    let (stopped, resumed, ballots, checked) = Default::default();
    let outside = Outside::default();
    let is_crowded = seed.is_multiple_of(64);
    let (started, rolled_back) = (0, 0);
    let mut sim =
        Simulation { world, outside, rng, started, is_crowded, rolled_back, stopped, resumed, ballots, checked };
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

impl Simulation {
    fn collect(&mut self) {
        self.outside.outbox.append(&mut self.world.effects);
    }

    fn disturb(&mut self) {
        match self.rng.below(100) {
            0..=14 if self.started < self.most() => {
                self.started += 1;
                let id = format!("e{}", self.started);
                // Of some nobody knows who started them.
                let by = self.rng.chance(80).then(|| self.any_person());
                self.world.starters = by.iter().cloned().collect();
                self.world.create(&id, BTreeMap::new());
                by.iter().for_each(|by| self.note_part(&id, by));
                self.world.execution(&id, ExecutionInput::Start).unwrap();
            }
            0..=54 => self.perform_one(),
            55..=64 => self.build_on(),
            65..=74 => self.work_on(),
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
        let has_failed = |s: &ExecutionState| {
            let mut actions = s.stages.last().into_iter().flat_map(|s| &s.actions);
            actions.any(|a| matches!(a.status, ActionStatus::Failed(_)))
        };
        let may = |s: &ExecutionState| {
            let at_work = matches!(s.phase, Phase::Running { .. }) && has_failed(s);
            matches!(s.phase, Phase::Ended(Ended::Failed | Ended::Stopped(_))) || at_work
        };
        let Some(id) = self.one_that(may) else { return };
        let mode = if self.rng.chance(50) { RetryMode::FailedActions } else { RetryMode::AllActions };
        self.retry_of(id, mode);
    }

    pub fn retry_of(&mut self, id: String, mode: RetryMode) {
        let before = self.world.state(&id).clone();
        let Some(stage) = before.stages.last().map(|s| s.name.clone()) else { return };
        let gates = self.world.gates_of(&before.definition.name).state.clone();
        let latest = gates.gate(&stage).and_then(|g| g.latest.clone());
        let by = self.any_who_approved(&id);
        if self.world.retry(&id, &stage, mode, &by).is_ok() {
            self.note_part(&id, &by);
            if before.mode() != Mode::Parallel {
                assert_eq!(latest.as_ref(), Some(&id), "an execution came back behind another");
                assert_eq!(before.version, gates.version, "an old definition came back");
            }
            let last = before.stages.last().unwrap();
            let failed = last.actions.iter().any(|a| matches!(a.status, ActionStatus::Failed(_)));
            let was_stopped = last.status == StageStatus::Stopped;
            assert!(failed || was_stopped || mode == RetryMode::AllActions, "nothing had failed");
            assert!(last.rules().all(|r| r.status != RuleStatus::Working), "a condition was being checked");
            saw(if was_stopped { RETRIED_AFTER_STOP } else { RETRIED });
            self.resumed.insert(id);
        }
    }

    fn override_condition(&mut self) {
        let checked = |s: &ExecutionState| s.stages.last().is_some_and(|s| !s.conditions.is_empty());
        let Some(id) = self.one_that(checked) else { return };
        let Some(stage) = self.world.state(&id).stages.last().map(|s| s.name.clone()) else { return };
        let kind = if self.rng.chance(50) { ConditionKind::BeforeEntry } else { ConditionKind::OnSuccess };
        let before = self.world.state(&id).stages.last().and_then(|s| s.condition(kind)).map(|c| c.status.clone());
        let by = self.any_who_approved(&id);
        if self.world.override_condition(&id, &stage, kind, &by).is_ok() {
            self.note_part(&id, &by);
            use ConditionStatus::{Errored, Failed, InProgress};
            assert!(matches!(before, Some(InProgress | Failed | Errored)), "{before:?} was overridden");
            saw(OVERRIDDEN);
            self.resumed.insert(id);
        }
    }

    fn roll_back(&mut self) {
        let pipeline = self.any_pipeline();
        let gates = &self.world.gates_of(&pipeline).state;
        let (stage, version) = (gates.gates[self.rng.below(gates.gates.len())].stage.clone(), gates.version);
        let fits = |s: &ExecutionState| s.definition.name == pipeline && s.rollback_target(&stage, version).is_ok();
        let target = self.one_that(fits);
        let Some(target) = target.filter(|_| self.rolled_back < 3) else { return };
        let gates = &self.world.gates_of(&self.world.pipeline(&target)).state;
        let free = gates.gate(&stage).is_some_and(|g| g.inside.is_empty());
        let id = format!("r{}", self.rolled_back);
        let by = self.any_person();
        if self.world.roll_back(&id, &stage, &target, &by).is_ok() {
            self.note_part(&id, &by);
            let before = self.world.state(&target).starters.clone();
            before.iter().for_each(|who| self.note_part(&id, who));
            self.rolled_back += 1;
            saw(ROLLED_BACK);
            assert!(free, "a rollback entered a stage that was taken");
        }
    }

    /// How many executions begin. A long queue is put off at the gates.
    fn most(&self) -> usize {
        match self.world.gates.state.mode {
            Mode::Superseded => 5,
            Mode::Queued if self.is_crowded => 40,
            Mode::Queued | Mode::Parallel => 8,
        }
    }

    /// Mostly the first.
    fn any_pipeline(&mut self) -> String {
        let mut pipelines = self.world.pipelines();
        let n = if self.rng.chance(60) { 0 } else { self.rng.below(pipelines.len()) };
        pipelines.swap_remove(n)
    }

    fn stop(&mut self) {
        let Some(id) = self.any_execution() else { return };
        let abandon = self.rng.chance(50);
        let before = self.world.state(&id).clone();
        let answer = self.world.execution(&id, ExecutionInput::Stop { abandon, reason: None, by: "ann".into() });
        assert!(!before.is_ended() || answer.is_err(), "an ended execution was stopped");
        if answer.is_ok() {
            self.check_stop(&before, abandon);
            self.stopped.push(id);
        }
    }

    /// Whoever is abandoned is told so, if there is somebody; whoever is waited for is told to come to an end.
    fn check_stop(&self, before: &ExecutionState, abandon: bool) {
        let Some(stage) = before.stages.last() else { return };
        for action in stage.actions.iter().filter(|action| !action.is_ended()) {
            let now = self.world.state(&before.id).action_by_key(&action.key).expect("the action");
            assert_eq!(now.status == ActionStatus::Abandoned, abandon, "{} is {:?}", action.key, now.status);
            let told = |how: &str| self.world.effect_keys.contains(&format!("{}/{how}", action.key));
            let elsewhere = action.external.id.is_some() && action.status == ActionStatus::Working;
            let invokes = provider(before, stage, action) == Some(Provider::Pipeline);
            assert!(!elsewhere || !abandon || told("cancel"), "nobody gives {} up", action.key);
            if elsewhere && invokes && !abandon {
                assert!(told("stop"), "the execution of {} is not told to stop", action.key);
                saw(CHILD_TOLD_TO_STOP);
            }
        }
    }

    fn change_transition(&mut self) {
        let pipeline = self.any_pipeline();
        let gates = &self.world.gates_of(&pipeline).state;
        let (mode, stage) = (gates.mode, gates.gates[self.rng.below(gates.gates.len())].stage.clone());
        let input = if self.rng.chance(50) {
            GateInput::Disable { stage, reason: "freeze".into(), by: "ann".into() }
        } else {
            GateInput::Enable { stage, by: "ann".into() }
        };
        let closes = matches!(input, GateInput::Disable { .. });
        let refused = closes && mode == Mode::Parallel;
        let answer = self.world.tell_gates_of(&pipeline, input);
        assert_eq!(answer.is_err(), refused, "mode PARALLEL alone has no transitions");
    }

    /// The last stage goes or comes back; now and then the mode changes.
    fn update(&mut self) {
        let pipeline = self.any_pipeline();
        let all: Vec<String> = self.world.current(&pipeline).stages.iter().map(|s| s.name.clone()).collect();
        let keep = if self.rng.chance(50) { all.len() } else { all.len() - 1 };
        let gates = &self.world.gates_of(&pipeline).state;
        let (version, before) = (gates.version + 1, gates.mode);
        let mode = if self.rng.chance(50) { any_mode(&mut self.rng) } else { before };
        if mode != before {
            saw(MODE_CHANGED);
        }
        let free = |world: &World| {
            let ids = world.gates_of(&pipeline).state.parallel.iter();
            ids.map(|id| world.state(id).clone()).collect::<Vec<_>>()
        };
        let parallel = free(&self.world);
        let stages = all.into_iter().take(keep).collect();
        self.world.tell_gates_of(&pipeline, GateInput::Redefine { version, mode, stages }).unwrap();
        assert_eq!(free(&self.world), parallel, "an update touches no execution of mode PARALLEL");
    }

    /// The weather clears: everything gets through.
    fn drain(&mut self) {
        for _ in 0..1000 {
            self.collect();
            for pipeline in self.world.pipelines() {
                let gates = &self.world.gates_of(&pipeline).state.gates;
                let closed: Vec<String> = gates.iter().filter(|g| !g.is_open()).map(|g| g.stage.clone()).collect();
                for stage in closed {
                    self.world.tell_gates_of(&pipeline, GateInput::Enable { stage, by: "ann".into() }).unwrap();
                }
            }
            while self.world.puts_off() {
                self.world.admit();
            }
            let outbox = std::mem::take(&mut self.outside.outbox);
            for (execution, effect) in outbox {
                match effect.effect {
                    ActionEffect::Cancel(cancel) => self.cancel(cancel),
                    ActionEffect::RollBack(asked) => self.roll_back_failed(&execution, &asked),
                    ActionEffect::Run(run) if self.world.state(&execution).wants(&effect.key) => {
                        self.work(&execution, &effect.key, *run, false);
                    }
                    ActionEffect::Run(_) => {}
                }
            }
            self.do_jobs();
            self.outside.builds.clear_up(&mut self.rng, self.world.now);
            self.hear();
            if !self.outside.builds.all_completed() {
                let from = self.world.now;
                self.world.now = from + jump(&mut self.rng);
                self.outside.builds.pass(&mut self.rng, (from, self.world.now), true);
                self.hear();
            }
            self.world.pass(Duration::ZERO);
            self.decide_all();
            self.check();
            let quiet = self.world.effects.is_empty() && self.outside.builds.is_quiet();
            if quiet && self.world.executions.values().all(|r| r.state.is_ended()) {
                return;
            }
            if quiet {
                // What is left waits for a deployment window.
                self.world.pass(Duration::from_secs(12 * 3600));
            }
        }
        let open = self.world.executions.values().filter(|row| !row.state.is_ended());
        let open: Vec<_> = open.map(|row| (&row.state.id, &row.state.phase, row.state.stages.last())).collect();
        let due: Vec<_> = self.outside.outbox.iter().chain(&self.world.effects).collect();
        panic!("some execution never ends: {open:#?}; due: {due:#?}");
    }
}
