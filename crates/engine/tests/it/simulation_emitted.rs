//! Pipelines that executions bring along, in the simulation: what their files hold, and what must hold of them.

use engine::pipeline::{
    ActionResult, ActionStatus, ArtifactFile, Ended, ExecutionInput, ExecutionState, Phase, RunAction, Work, child_name,
};
use formats::pipeline::{PipelineDeclaration, Provider};

use crate::pipeline_declare::declare_named;
use crate::pipeline_work::Brought;
use crate::simulation::Simulation;
use crate::simulation_approvals::parts_in;
use crate::simulation_pipelines::{any_mode, of_mode};
use crate::simulation_seen::*;

/// The definitions that files hold; the last brings others along.
const PLANS: [&str; 4] = [
    "stage Source
action Src S3Source out=Src
stage Work
action Do Worker in=Src",
    "stage Source
action Src CodeCommit out=Src ns=N0
stage Work
action Ok Manual timeout=60 HeadworksQuorum=2 HeadworksSelfApproval=false
action Do Worker in=Src HeadworksMatrix=[\"1\",\"2\"]
stage Last
action Put S3 in=Src",
    "stage Source
action Src CodeCommit out=Src ns=N0
stage Work
on-failure ROLLBACK
action Do CodeBuild in=Src",
    "stage Source
action Src CodeCommit out=Src ns=N0
stage Work
on-failure RETRY FAILED_ACTIONS
action Deep Pipeline in=Src HeadworksDefinition=Src::deep.json
action Do Worker in=Src order=2",
];

impl Simulation {
    /// As the performer does: reads the definition if the action names one, and starts the execution.
    pub fn start_pipeline(&mut self, execution: &str, key: &str, run: &RunAction) {
        let Work::InvokePipeline { definition, pipeline, .. } = &run.work else { panic!("not an invocation: {run:?}") };
        let declared = definition.as_ref().map(|file| self.definition_in(run, file, pipeline));
        let before = self.world.invoked.get(pipeline).map(|_| self.world.gates_of(pipeline).state.version);
        let (id, brought) = self.world.invoke(execution, key, run, declared.as_ref().map(Option::as_ref));
        let after = self.world.invoked.get(pipeline).map(|_| self.world.gates_of(pipeline).state.version);
        match brought {
            Brought::Nothing => assert_eq!(before, after, "{pipeline} has another version, and nobody brought one"),
            Brought::Refused => {
                saw(PLAN_REFUSED);
                assert_eq!((id.as_ref(), before), (None, after), "what is no definition started {pipeline}");
            }
            Brought::New => saw(PLAN),
            Brought::Same => saw(PLAN_AGAIN),
            Brought::Changed => saw(PLAN_CHANGED),
        }
        let Some(id) = id else { return };
        for who in parts_in(self.world.state(execution)).cloned().collect::<Vec<_>>() {
            self.note_part(&id, &who);
        }
        match brought {
            Brought::New | Brought::Same | Brought::Changed => {
                let declared = declared.flatten().expect("what was brought along");
                assert!(self.outside.brought.insert(id.clone(), declared).is_none(), "{id} began twice");
            }
            Brought::Nothing if definition.is_some() => saw(PLAN_RETRIED),
            Brought::Nothing | Brought::Refused => {}
        }
    }

    /// The same file always holds the same.
    fn definition_in(&mut self, run: &RunAction, file: &ArtifactFile, name: &str) -> Option<PipelineDeclaration> {
        let artifact = run.inputs.iter().find(|a| a.name == file.artifact).expect("its input");
        let place = (artifact.key.clone(), file.path.clone());
        let known = self.outside.definitions.get(&place).cloned();
        let text = known.unwrap_or_else(|| {
            let text = PLANS[[0, 0, 1, 1, 2, 3][self.rng.below(6)]];
            (!self.rng.chance(10)).then(|| of_mode(any_mode(&mut self.rng), text))
        });
        self.outside.definitions.insert(place, text.clone());
        text.filter(|_| !self.rng.chance(5)).map(|text| declare_named(name, text.lines()))
    }

    /// An execution whose definition was brought along has that one, and whoever waited for it has heard of it once.
    pub fn final_check_of_emitted(&self, child: &ExecutionState) {
        let Some(parent) = &child.parent else { return };
        let above = &self.world.executions[&parent.execution];
        let started = |input: &ExecutionInput| *input == ExecutionInput::Start;
        let starts = self.world.executions[&child.id].log.iter().filter(|(_, input)| started(input)).count();
        assert_eq!(starts, 1, "{} was started {starts} times", child.id);
        let first = self.world.executions[&child.id].first.parent.as_ref().expect("its parent");
        assert_eq!(first.execution, parent.execution, "{} has another parent than at first", child.id);
        for (key, waits) in [(&first.key, first.waits), (&parent.key, parent.waits)] {
            let run = above.state.action_by_key(key).expect("its action");
            let ends = above.log.iter().filter(|(_, input)| ends_action(input, key)).count();
            let by_itself = match &run.status {
                ActionStatus::Failed(error) => error.code == "JobTimedOut",
                ActionStatus::Abandoned => true,
                _ => false,
            };
            assert_eq!(ends, usize::from(!by_itself), "{key} is {:?} and heard {ends} ends ({waits})", run.status);
        }
        let Some(declared) = self.outside.brought.get(&child.id) else { return };
        assert_eq!(child.definition.stages, declared.stages, "{} runs another definition", child.id);
        let run = above.state.action_by_key(&first.key).expect("its action");
        assert_eq!(child.definition.name, child_name(&above.state.definition.name, &run.name));
        let of_this =
            self.world.executions.values().filter(|row| row.first.parent.as_ref().is_some_and(|p| p.key == first.key));
        assert_eq!(of_this.count(), 1, "{} has several executions", first.key);
        if child.phase == Phase::Ended(Ended::Cancelled) {
            saw(CHILD_CANCELLED);
        }
        if parent.depth > 1 {
            saw(PLAN_OF_PLAN);
        }
        match (&run.status, &child.phase) {
            (ActionStatus::Succeeded { .. }, _) if first.waits => saw(PLAN_SUCCEEDED),
            (ActionStatus::Failed(_), _) => saw(PLAN_FAILED),
            (ActionStatus::Abandoned, Phase::Ended(Ended::Stopped(_))) => saw(PLAN_STOPPED),
            _ => {}
        }
    }

    /// Without `HeadworksWait` whoever brings a definition along waits for it.
    pub fn check_waits(&self, state: &ExecutionState) {
        let Some(stage) = state.stages.last() else { return };
        for run in &stage.actions {
            let declared = state.definition.stage(&stage.name).and_then(|s| s.action(run.declared_name()));
            let Some(action) = declared.filter(|a| a.provider() == Some(Provider::Pipeline)) else { continue };
            let default = action.config("HeadworksDefinition").is_some();
            let waits = action.config("HeadworksWait").map_or(default, |wait| wait == "true");
            let child = run.external.id.as_ref().map(|id| self.world.state(id));
            let first = child.and_then(|child| child.parent.as_ref()).filter(|parent| parent.key == run.key);
            let came_back = child.is_some_and(|child| self.resumed.contains(&child.id));
            assert!(first.is_none_or(|parent| parent.waits == waits || came_back), "{} waits otherwise", run.key);
        }
    }
}

fn ends_action(input: &ExecutionInput, wanted: &str) -> bool {
    matches!(input, ExecutionInput::ActionFinished { key, .. } if key == wanted)
}

/// A failure of the performer's.
pub fn failed(message: &str) -> ActionResult {
    ActionResult::Failed {
        code: "ConfigurationError".into(),
        message: message.into(),
        external_execution_id: None,
        external_execution_url: None,
        summary: None,
    }
}
