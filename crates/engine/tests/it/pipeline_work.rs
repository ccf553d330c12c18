//! What the driver and the operations do with jobs and with executions that actions invoke, in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use engine::job::{JobInput, JobPhase, JobState, JobSuccess, NewJob};
use engine::pipeline::{
    ActionResult, ExecutionInput, External, GateInput, Mode, ParentAction, ParentRetry, Phase, RunAction, Will, Work,
};
use formats::pipeline::PipelineDeclaration;

use crate::pipeline_world::{Invoked, Row, World, scope};

/// How many executions may stand above one another.
const MAX_DEPTH: u32 = 10;

/// What an action has done with the definition that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Brought {
    /// It names none, or did not need it.
    Nothing,
    Refused,
    /// There was none before.
    New,
    Same,
    Changed,
}

impl World {
    /// As `queue_job` does: one job for an action, however often it is asked for.
    pub fn queue_job(&mut self, key: &str, run: RunAction) {
        let Work::Worker { action_type, configuration } = run.work else { panic!("not work for a worker: {run:?}") };
        let id = NewJob::id(key, 1);
        if self.jobs.contains_key(&id) {
            return;
        }
        self.make_job(JobState::new(NewJob {
            id,
            scope: scope(),
            execution: run.execution,
            key: key.to_owned(),
            pipeline: run.pipeline,
            stage: run.stage,
            action: run.action,
            action_execution: run.id,
            action_type,
            settings: Default::default(),
            configuration,
            sealed: None,
            inputs: Vec::new(),
            outputs: run.outputs,
            role_arn: run.role_arn,
            encryption_key: None,
            continuation: None,
            number: 1,
        }));
    }

    fn make_job(&mut self, state: JobState) {
        let id = state.job.id.clone();
        self.job_order.push(id.clone());
        let old = self.jobs.insert(id, Row::new(state));
        assert!(old.is_none(), "a job is made twice");
    }

    pub fn job_state(&self, id: &str) -> &JobState {
        &self.jobs.get(id).expect("a known job").state
    }

    /// As PutJobSuccessResult does: the next job and the end of this one, or neither.
    pub fn continue_job(&mut self, id: &str, token: &str, external: External) -> Result<(), String> {
        let state = self.job_state(id).clone();
        let next = state.job.next(token.to_owned());
        let next_id = next.id.clone();
        if self.jobs.contains_key(&next_id) {
            return Err("the job has been continued before".to_owned());
        }
        let first = JobState { external: state.external, ..JobState::new(next) };
        self.make_job(first);
        let answer = self.job(id, JobInput::Continue { next: next_id.clone(), external });
        if answer.is_err() {
            self.jobs.remove(&next_id);
            self.job_order.pop();
        }
        answer.map_err(|r| r.to_string())
    }

    pub fn succeed_job(&mut self, id: &str, variables: BTreeMap<String, String>) -> Result<(), String> {
        let success = JobSuccess { external: External::default(), variables, revision: None };
        self.job(id, JobInput::Succeed(success)).map_err(|r| r.to_string())
    }

    /// As `cancel_jobs` does.
    pub fn cancel_jobs(&mut self, key: &str) {
        let mut number = 1;
        while self.jobs.contains_key(&NewJob::id(key, number)) {
            let _ = self.job(&NewJob::id(key, number), JobInput::Cancel);
            number += 1;
        }
    }

    /// The jobs of an action that have not ended.
    pub fn open_jobs(&self, key: &str) -> usize {
        self.jobs.values().filter(|row| row.state.job.key == key && !row.state.phase.is_ended()).count()
    }

    /// The id of the execution that an action under this key invokes.
    pub fn invoked_id(key: &str) -> String {
        key.replace('/', ".")
    }

    /// As `invoke_pipeline` and its performer do, in one transaction. `declared` is what stands in the file that the action
    /// names, if it names one. Gives the id of the execution that began, and what was brought along for it.
    pub fn invoke(
        &mut self,
        execution: &str,
        key: &str,
        run: &RunAction,
        declared: Option<Option<&PipelineDeclaration>>,
    ) -> (Option<String>, Brought) {
        let Work::InvokePipeline { pipeline, wait, earlier: before, .. } = &run.work else {
            panic!("not an invocation: {run:?}")
        };
        let depth = self.state(execution).parent.as_ref().map_or(0, |p| p.depth) + 1;
        let stopping = self.state(execution).stop_request().is_some();
        let again = before.as_ref().filter(|_| !stopping).and_then(|id| self.begin_again(execution, key, id));
        let (id, brought) = match (again, declared) {
            (Some(id), _) => (id, Brought::Nothing),
            (None, declared) => {
                let is_known = declared.is_some() || self.pipelines().contains(pipeline);
                if stopping || depth > MAX_DEPTH || !is_known || declared == Some(None) {
                    self.refuse(execution, key);
                    let is_bad = declared == Some(None) && !stopping;
                    return (None, if is_bad { Brought::Refused } else { Brought::Nothing });
                }
                let brought = declared.flatten().map_or(Brought::Nothing, |declared| self.emit(pipeline, declared));
                let id = World::invoked_id(key);
                let parent = ParentAction { execution: execution.to_owned(), key: key.to_owned(), waits: *wait, depth };
                self.starters = self.parts_in(execution);
                self.create_of(pipeline, &id, BTreeMap::new(), Vec::new(), Some(parent));
                self.execution(&id, ExecutionInput::Start).unwrap();
                (id, brought)
            }
        };
        let input = if *wait {
            // It may have ended in the instant in which it began.
            let external = External { id: Some(id.clone()), ..External::default() };
            ExecutionInput::ActionStarted { key: key.to_owned(), external }
        } else {
            let result = ActionResult::Succeeded {
                external_execution_id: Some(id.clone()),
                external_execution_url: None,
                summary: None,
                output_variables: BTreeMap::new(),
                output_artifacts: Vec::new(),
                revision: None,
            };
            ExecutionInput::ActionFinished { key: key.to_owned(), result }
        };
        let heard = self.execution(execution, input);
        assert!(heard.is_ok() || self.state(&id).is_ended(), "{execution} did not hear that {id} has begun");
        (Some(id), brought)
    }

    fn refuse(&mut self, execution: &str, key: &str) {
        let result = ActionResult::Failed {
            code: "ConfigurationError".into(),
            message: "the pipeline cannot be started".into(),
            external_execution_id: None,
            external_execution_url: None,
            summary: None,
        };
        self.execution(execution, ExecutionInput::ActionFinished { key: key.to_owned(), result }).unwrap();
    }

    /// As `emit_pipeline` does: the pipeline is made, or gets another version if this is another definition.
    fn emit(&mut self, name: &str, declared: &PipelineDeclaration) -> Brought {
        if !self.invoked.contains_key(name) {
            let definition = PipelineDeclaration { version: Some(1), ..declared.clone() };
            self.invoked.insert(name.to_owned(), Invoked::new(definition));
            return Brought::New;
        }
        let before = self.current(name);
        if *before == (PipelineDeclaration { version: before.version, ..declared.clone() }) {
            return Brought::Same;
        }
        let version = self.gates_of(name).state.version + 1;
        let next = PipelineDeclaration { version: Some(version), ..declared.clone() };
        let (mode, stages) = (Mode::of(&next), next.stages.iter().map(|s| s.name.clone()).collect());
        if let Some(invoked) = self.invoked.get_mut(name) {
            invoked.definition = Arc::new(next);
        }
        self.tell_gates_of(name, GateInput::Redefine { version, mode, stages }).unwrap();
        Brought::Changed
    }

    /// Whoever has brought an execution about has brought about its children.
    fn parts_in(&self, execution: &str) -> Vec<String> {
        let state = self.state(execution);
        let pushers = state.source_revisions.iter().flat_map(|source| &source.revision.pushers);
        let all: BTreeSet<&String> = state.starters.iter().chain(pushers).collect();
        all.into_iter().cloned().collect()
    }

    /// The execution that was invoked before, if it can be tried again.
    fn begin_again(&mut self, execution: &str, key: &str, id: &String) -> Option<String> {
        let (stage, mode) = self.executions.get(id)?.state.retry_for(execution)?;
        let parent = ParentRetry { key: key.to_owned(), starters: self.parts_in(execution) };
        self.retry_for(id, &stage, mode, (None, Some(parent))).ok()?;
        Some(id.clone())
    }

    /// As `stop_invoked` does.
    pub fn stop_invoked(&mut self, id: &str, gently: bool) {
        let reason = Some("The execution that invoked this one was stopped.".to_owned());
        let stopped = self.execution(id, ExecutionInput::Stop { abandon: !gently, reason, by: "parent".to_owned() });
        let phase = &self.state(id).phase;
        let leaves =
            matches!(phase, Phase::Ended(_) | Phase::HandingOver { .. } | Phase::Running { will: Will::Stop(_), .. });
        assert!(stopped.is_ok() || leaves, "{id} goes on");
    }

    /// The phase of a job as scenarios show it.
    pub fn job_word(&self, id: &str) -> String {
        match &self.job_state(id).phase {
            JobPhase::Dispatched { nonce, by } => format!("Dispatched to {by} with {nonce}"),
            JobPhase::InProgress { nonce, by } => format!("InProgress at {by} with {nonce}"),
            JobPhase::Abandoned => "Abandoned".to_owned(),
            phase => phase.as_str().to_owned(),
        }
    }
}
