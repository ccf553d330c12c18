//! What must hold after each step of the simulation, and at its end.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use engine::build::BuildStatus;
use engine::job::{JobInput, JobPhase};
use engine::pipeline::{
    ActionEffect, ActionRun, ActionStatus, Begun, ConditionStatus, Ended, Execution, ExecutionInput, ExecutionKind,
    ExecutionState, Gate, Mode, ParentAction, Phase, RetryTrigger, RuleStatus, StageRun, StageStatus,
};
use formats::pipeline::{ConditionKind, Provider};

use crate::pipeline_world::Row;
use crate::simulation::Simulation;
use crate::simulation_seen::*;

impl Simulation {
    pub fn check(&mut self) {
        for refusal in std::mem::take(&mut self.world.unheard) {
            let key = refusal.strip_prefix("no action waits for the result of ").unwrap_or_default();
            // It told its end, and may have been retried by hand since.
            let told = |state: &ExecutionState| state.is_ended() || self.resumed.contains(&state.id);
            let parents = self.world.executions.values().filter(|row| told(&row.state));
            let child = parents.filter_map(|row| row.state.parent.as_ref()).find(|parent| parent.key == key);
            let child = child.or_else(|| self.came_back_from(key));
            let job = self.world.jobs.values().find(|row| row.state.job.key == key).map(|row| &row.state.job);
            let waited = child.map(|parent| &parent.execution).or(job.map(|job| &job.execution));
            let late = waited.is_some_and(|execution| !self.world.state(execution).wants(key));
            assert!(late, "a tell or timer was refused: {refusal}");
            saw(CHILD_UNHEARD);
        }
        for pipeline in self.world.pipelines() {
            self.check_gates(&pipeline);
            self.check_order(&pipeline);
        }
        for id in self.world.executions.keys() {
            self.check_place(id);
        }
        self.check_builds();
        self.check_jobs();
        self.check_invoked();
        self.check_work();
        let news =
            |(id, row): (&String, &Row<Execution>)| (self.checked.get(id) != Some(&row.log.len())).then(|| id.clone());
        let news: Vec<String> = self.world.executions.iter().filter_map(news).collect();
        self.check_approvals(&news);
        for id in news {
            let row = &self.world.executions[&id];
            self.check_matrices(&row.state);
            self.check_waits(&row.state);
            self.checked.insert(id, row.log.len());
        }
    }

    fn check_gates(&self, pipeline: &str) {
        let gates = &self.world.gates_of(pipeline).state;
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
            for id in gate.inside.iter().chain(&gate.waiting) {
                assert_eq!(self.world.pipeline(id), pipeline, "{id} is at the gates of another pipeline");
            }
            for id in &gate.inside {
                assert_eq!(self.place(id), Some(('r', gate.stage.as_str())), "{id} is said to be inside");
            }
            for id in &gate.waiting {
                assert_eq!(self.place(id), Some(('w', gate.stage.as_str())), "{id} is said to wait");
            }
        }
        if gates.parallel.len() > 1 {
            saw(SIDE_BY_SIDE);
        }
    }

    fn check_place(&self, id: &String) {
        let state = self.world.state(id);
        let gates = &self.world.gates_of(&state.definition.name).state;
        let count = |list: fn(&Gate) -> &Vec<String>| {
            gates.gates.iter().chain(&gates.removed).filter(|g| list(g).contains(id)).count()
        };
        let (inside, waiting) = (count(|g| &g.inside), count(|g| &g.waiting));
        let free = state.mode() == Mode::Parallel && !state.is_ended() && state.phase != Phase::New;
        assert_eq!(gates.parallel.iter().filter(|e| *e == id).count(), usize::from(free), "{id} goes by itself");
        let expected = match state.phase {
            Phase::Waiting { .. } | Phase::HandingOver { .. } if free => panic!("{id} of mode PARALLEL waits"),
            Phase::Running { .. } if free => (0, 0),
            Phase::Running { .. } | Phase::HandingOver { .. } => (1, 0),
            Phase::Waiting { .. } => (0, 1),
            Phase::New | Phase::Ended(_) => (0, 0),
        };
        assert_eq!((inside, waiting), expected, "{id} is in one place");
        let timers = self.world.timers.keys().filter(|(e, _)| e == id).count();
        let busy = state.stages.iter().flat_map(|s| &s.actions).filter(|a| !a.is_ended()).count();
        let rules = state.stages.iter().flat_map(|s| s.rules());
        let busy = busy + rules.filter(|r| r.status == RuleStatus::Working).count();
        let busy = busy + usize::from(matches!(state.phase, Phase::HandingOver { .. }));
        assert_eq!(timers, busy, "every wait of {id} has a limit, and nothing else has");
    }

    /// In mode QUEUED nobody gets ahead of one who came earlier.
    fn check_order(&self, pipeline: &str) {
        let gates = &self.world.gates_of(pipeline).state;
        let version = gates.version;
        let mut ahead: Option<(usize, &String)> = None;
        for id in &self.world.order {
            let state = self.world.state(id);
            if state.definition.name != pipeline {
                continue;
            }
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
        for gate in &gates.gates {
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
    fn check_builds(&self) {
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

    /// What an execution says of an action is what its jobs say: one at a time is open, the last one's end is the action's.
    fn check_jobs(&self) {
        for row in self.world.jobs.values() {
            let (job, phase) = (&row.state.job, &row.state.phase);
            let action = self.world.state(&job.execution).action_by_key(&job.key).expect("the action of the job");
            let fits = match &action.status {
                ActionStatus::Working => {
                    assert_eq!(self.world.open_jobs(&job.key), 1, "the action {} has no job, or two", job.key);
                    !phase.is_ended() || matches!(phase, JobPhase::Continued { .. })
                }
                ActionStatus::Succeeded { .. } => matches!(phase, JobPhase::Succeeded | JobPhase::Continued { .. }),
                ActionStatus::Failed(error) if error.code != "JobTimedOut" => {
                    matches!(phase, JobPhase::Failed | JobPhase::Continued { .. })
                }
                ActionStatus::Failed(_) | ActionStatus::Abandoned => phase.is_ended() || self.will_cancel(&job.key),
                ActionStatus::AwaitingApproval { .. } => false,
            };
            assert!(fits, "the action {} is {:?} and its job {phase:?}", job.key, action.status);
        }
    }

    /// A child that its parent waits for ends with it, and the other way round.
    fn check_invoked(&self) {
        for row in self.world.executions.values() {
            let Some(ParentAction { execution, key, waits: true, .. }) = &row.state.parent else { continue };
            let (child, action) = (&row.state, self.world.state(execution).action_by_key(key).expect("its action"));
            let came_back = self.resumed.contains(&child.id);
            let fits = match &action.status {
                ActionStatus::Working => !child.is_ended() && action.external.id.as_ref() == Some(&child.id),
                ActionStatus::Succeeded { .. } => child.phase == Phase::Ended(Ended::Succeeded),
                ActionStatus::Failed(error) if error.code != "JobTimedOut" => {
                    came_back || (child.is_ended() && child.phase != Phase::Ended(Ended::Succeeded))
                }
                ActionStatus::Failed(_) | ActionStatus::Abandoned => {
                    let leaves = child.is_ended() || matches!(child.phase, Phase::HandingOver { .. });
                    leaves || came_back || self.will_cancel(key)
                }
                ActionStatus::AwaitingApproval { .. } => false,
            };
            assert!(fits, "the action {key} is {:?} and its execution {:?}", action.status, child.phase);
        }
    }

    fn will_cancel(&self, key: &str) -> bool {
        let effects = self.outside.outbox.iter().chain(&self.world.effects);
        effects
            .into_iter()
            .any(|(_, e)| matches!(&e.effect, ActionEffect::Cancel(cancel) if cancel.key == key && !cancel.gently))
    }

    /// No action is forgotten: its effect is due, or its work is known elsewhere.
    fn check_work(&self) {
        let effects = self.outside.outbox.iter().chain(&self.world.effects);
        let due: HashSet<&str> = effects.map(|(_, effect)| effect.key.as_str()).collect();
        for row in self.world.executions.values() {
            let Some(run) = row.state.stages.last().filter(|_| !row.state.is_ended()) else { continue };
            for action in run.actions.iter().filter(|a| a.status == ActionStatus::Working) {
                let known = match provider(&row.state, run, action) {
                    Some(Provider::CodeBuild) => self.outside.begun.contains_key(&action.key),
                    Some(Provider::Worker) => self.world.open_jobs(&action.key) == 1,
                    Some(Provider::Pipeline) => {
                        action.external.id.as_ref().is_some_and(|id| !self.world.state(id).is_ended())
                    }
                    _ => false,
                };
                assert!(known || due.contains(action.key.as_str()), "nobody works on {}", action.key);
            }
        }
    }

    /// The parent of a child that has come back for a later try of the action which this key is an earlier one of.
    fn came_back_from(&self, key: &str) -> Option<&ParentAction> {
        let (action, attempt) = key.rsplit_once('/')?;
        let came_back = |row: &&Row<Execution>| {
            row.log.iter().any(|(_, input)| matches!(input, ExecutionInput::RetryStage { parent: Some(_), .. }))
        };
        let parents = self.world.executions.values().filter(came_back).filter_map(|row| row.state.parent.as_ref());
        parents.into_iter().find(|parent| {
            let later = parent.key.rsplit_once('/').filter(|(other, _)| *other == action);
            later.is_some_and(|(_, later)| later.parse::<u32>().ok() > attempt.parse().ok())
        })
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

    pub fn final_check(&self, fold: bool) {
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
            check_entries(&row.state);
            self.count_invoked(&row.state);
            self.final_check_of_matrices(&row.state);
            self.final_check_of_emitted(&row.state);
            if let Phase::Ended(Ended::Superseded { by }) = &row.state.phase {
                saw(SUPERSEDED);
                assert_eq!(row.state.mode(), Mode::Superseded, "superseded in another mode");
                let came = |id: &String| self.world.order.iter().position(|e| e == id);
                assert!(came(by) > came(&row.state.id), "superseded by one that came earlier");
                assert_eq!(self.world.pipeline(by), row.state.definition.name, "superseded by one of another pipeline");
            }
        }
        for id in &self.stopped {
            // Somebody, or a retry of its parent, may have brought it back since.
            let inputs = self.world.executions[id].log.iter().rev().map(|(_, input)| input);
            let mut since = inputs.take_while(|input| !matches!(input, ExecutionInput::Stop { .. }));
            if since.any(|input| matches!(input, ExecutionInput::RetryStage { .. })) {
                continue;
            }
            let phase = &self.world.state(id).phase;
            assert!(matches!(phase, Phase::Ended(Ended::Stopped(_))), "{id} was to stop and is {phase:?}");
        }
        // Stage by stage, the executions of a queue went in as they came.
        let mut last: BTreeMap<(&str, u32, &String), usize> = BTreeMap::new();
        for (id, stage) in &self.world.entered {
            let state = self.world.state(id);
            if state.mode() == Mode::Queued && state.kind == ExecutionKind::Standard {
                let came = self.world.order.iter().position(|e| e == id).unwrap();
                let before = last.insert((&state.definition.name, state.version, stage), came);
                assert!(before.is_none_or(|before| before < came), "{id} entered {stage} out of turn");
            }
        }
        for row in self.world.jobs.values() {
            assert!(row.state.phase.is_ended(), "a job is left behind: {:?}", row.state.phase);
            match &row.state.phase {
                JobPhase::Succeeded => saw(JOB_SUCCEEDED),
                JobPhase::Failed => saw(JOB_FAILED),
                JobPhase::Continued { .. } => saw(JOB_CONTINUED),
                JobPhase::Abandoned => saw(JOB_ABANDONED),
                JobPhase::Queued | JobPhase::Dispatched { .. } | JobPhase::InProgress { .. } => {}
            }
            let lost = row.log.iter().filter(|(_, input)| matches!(input, JobInput::LeaseEnded { .. }));
            lost.for_each(|_| saw(LEASE_ENDED));
        }
        self.check_parts();
        self.outside.builds.final_check(fold);
        if !fold {
            return;
        }
        for pipeline in self.world.pipelines() {
            let row = self.world.gates_of(&pipeline);
            assert_eq!(row.folded(), row.state);
        }
        for row in self.world.jobs.values() {
            assert_eq!(row.folded(), row.state);
        }
        for (id, row) in &self.world.executions {
            assert_eq!(row.folded(), row.state, "folding the inputs of {id} gives its state");
            let json = serde_json::to_value(&row.state).unwrap();
            assert_eq!(serde_json::from_value::<engine::pipeline::ExecutionState>(json).unwrap(), row.state);
        }
    }

    fn count_invoked(&self, child: &ExecutionState) {
        let Some(ParentAction { execution, key, waits, depth }) = &child.parent else { return };
        if !waits {
            return saw(INVOKED);
        }
        saw(if *depth > 1 { CHILD_OF_CHILD } else { CHILD });
        if !key.ends_with("/1") {
            saw(CHILD_OF_RETRY);
        }
        match (&child.phase, &self.world.state(execution).action_by_key(key).expect("its action").status) {
            (Phase::Ended(Ended::Stopped(request)), ActionStatus::Abandoned) if request.by == "parent" => {
                saw(CHILD_STOPPED_WITH_PARENT);
            }
            (Phase::Ended(Ended::Stopped(request)), ActionStatus::Failed(_)) if request.by == "ann" => {
                saw(PARENT_FAILED_WITH_STOPPED_CHILD);
            }
            (Phase::Ended(Ended::Superseded { .. }), ActionStatus::Failed(_)) => saw(CHILD_SUPERSEDED),
            (Phase::Ended(_), ActionStatus::Failed(error)) if error.code == "JobTimedOut" => saw(CHILD_TIMED_OUT),
            _ => {}
        }
    }
}

/// No action begins in a stage whose condition for entry nobody has met or overridden.
fn check_entries(state: &ExecutionState) {
    let met = |record: &StageRun| {
        let status = record.condition(ConditionKind::BeforeEntry).map(|condition| &condition.status);
        matches!(status, Some(ConditionStatus::Succeeded | ConditionStatus::Overridden { .. }))
    };
    for (n, record) in state.stages.iter().enumerate().filter(|(_, record)| !record.actions.is_empty()) {
        let declared = state.definition.stage(&record.name);
        if declared.is_some_and(|stage| stage.condition(ConditionKind::BeforeEntry).is_some()) {
            let mut until = state.stages[..=n].iter().filter(|other| other.name == record.name);
            assert!(until.any(|record| met(record)), "{} has begun {} unchecked", state.id, record.name);
        }
    }
}

pub fn provider(state: &ExecutionState, run: &StageRun, action: &ActionRun) -> Option<Provider> {
    let declared = state.definition.stage(&run.name)?.action(action.declared_name())?;
    // What reads a matrix is known to nobody but the server.
    (declared.matrix().is_some() == action.cell.is_some()).then(|| declared.provider()).flatten()
}
