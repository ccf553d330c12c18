//! What is outside of the simulation's machines: the driver with its outbox, builds, workers.

use std::collections::BTreeMap;

use base::{Effect, Machine};
use engine::build::{ArtifactTarget, OutputArtifact, OutputSection, Parent, Place};
use engine::job::{JobInput, JobPhase};
use engine::pipeline::{
    ActionEffect, ActionResult, Artifact, CancelAction, Execution, ExecutionInput, External, Revision, RollBack,
    RunAction, Work,
};
use formats::pipeline::{PipelineDeclaration, Provider, Values};

use crate::build_simulation::request;
use crate::build_world::Builds;
use crate::pipeline_world::World;
use crate::simulation::Simulation;
use crate::simulation_seen::{LATE_RESULT, OLD_NONCE, saw};

#[derive(Default)]
pub struct Outside {
    /// Effects of executions, committed and not yet finished; a crash leaves them here.
    pub outbox: Vec<(String, Effect<ActionEffect>)>,
    /// The real machines; they tell their ends to their executions.
    pub builds: Builds,
    /// Build by the key of the effect that wanted it.
    pub begun: BTreeMap<String, String>,
    /// Jobs that were handed out, and under which nonce.
    pub handed: Vec<(String, String)>,
    /// The nonce with which each job was acknowledged.
    pub acknowledged: BTreeMap<String, String>,
    /// What files with matrices hold, by the artifact's key and their path; `None`: something else.
    pub matrices: BTreeMap<(String, String), Option<Vec<Values>>>,
    /// The same of files with definitions.
    pub definitions: BTreeMap<(String, String), Option<String>>,
    /// The runs of each matrix that was read, by the key of the effect that wanted it.
    pub read: BTreeMap<String, Vec<Values>>,
    /// The definition that was brought along for each execution.
    pub brought: BTreeMap<String, PipelineDeclaration>,
}

impl Simulation {
    /// The server claims an effect. It may die before it did anything, or after it did it and before it said so.
    pub fn perform_one(&mut self) {
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
            ActionEffect::RollBack(asked) => self.roll_back_failed(&execution, &asked),
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

    pub fn roll_back_failed(&mut self, failed: &str, asked: &RollBack) {
        self.world.perform_rollback(failed, asked);
        if self.world.executions.contains_key(&asked.execution) {
            let starters = self.world.state(failed).starters.clone();
            starters.iter().for_each(|who| self.note_part(&asked.execution, who));
        }
    }

    pub fn work(&mut self, execution: &str, key: &str, run: RunAction, lost: bool) {
        match run.work {
            // Builds, jobs and executions are made in the transaction that says so: they are there or they are not.
            Work::CodeBuild { .. } | Work::Worker { .. } | Work::InvokePipeline { .. } | Work::ReadMatrix(_)
                if lost => {}
            Work::Worker { .. } => self.world.queue_job(key, run),
            Work::InvokePipeline { .. } => self.start_pipeline(execution, key, &run),
            Work::ReadMatrix(ref file) => self.read_matrix(execution, key, &run, file),
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
            | Work::CloudWatchAlarm { .. }
            | Work::LambdaInvoke { .. } => {
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
        let mut variables = BTreeMap::new();
        if self.rng.chance(80) {
            variables.insert("Sometimes".to_owned(), value.to_owned());
        }
        let list = ["[\"p\",\"q\"]", "[\"p\"]", "{\"a\":[\"p\",\"q\"],\"b\":[\"r\"]}", "[]", "p"][self.rng.below(5)];
        variables.insert("List".to_owned(), list.to_owned());
        let outputs: Vec<Artifact> = if self.rng.chance(95) { run.outputs.clone() } else { Vec::new() };
        ActionResult::Succeeded {
            external_execution_id: None,
            external_execution_url: None,
            summary: None,
            output_variables: variables,
            output_artifacts: outputs,
            revision: self.any_revision(&run.work),
        }
    }

    fn any_revision(&mut self, work: &Work) -> Option<Revision> {
        let tells = matches!(work, Work::CodeCommitSource { .. });
        if !tells && !matches!(work, Work::S3Source { .. }) {
            return None;
        }
        // Who pushed it is known of CodeCommit, as a rule.
        let pushers = if tells { [0, 1, 1, 1, 1, 2][self.rng.below(6)] } else { 0 };
        let pushers = (0..pushers).map(|_| self.any_person()).collect();
        let id = format!("c{}", self.rng.below(5));
        Some(Revision { id, change: None, summary: None, url: None, created: None, pushers, commit: None })
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

    /// Without an id a build or an execution never began, and will not: nobody wants it.
    pub fn cancel(&mut self, cancel: CancelAction) {
        match cancel.provider {
            Provider::Worker => {
                self.world.cancel_jobs(&cancel.key);
                // A job that was continued passes it on, and the next one may be over.
                self.world.unheard.retain(|refusal| refusal != "the job has ended");
            }
            Provider::Pipeline => match cancel.external_id {
                Some(id) => self.world.stop_invoked(&id, cancel.gently),
                None => assert!(!self.world.executions.contains_key(&World::invoked_id(&cancel.key))),
            },
            provider => {
                assert_eq!(provider, Provider::CodeBuild);
                let known = self.outside.begun.get(&cancel.key).cloned();
                assert!(known.is_none() || known == cancel.external_id, "a build is not told to end: {known:?}");
                if let Some(id) = cancel.external_id {
                    self.outside.builds.stop(&id, self.world.now);
                    self.hear();
                }
            }
        }
    }

    /// Something happens to some build; what it tells arrives in the same transaction.
    pub fn build_on(&mut self) {
        self.outside.builds.disturb(&mut self.rng, self.world.now);
        self.hear();
    }

    pub fn hear(&mut self) {
        for tell in std::mem::take(&mut self.outside.builds.tells) {
            let input: ExecutionInput = serde_json::from_value(tell.input).expect("a tell that its parent can read");
            let ExecutionInput::ActionFinished { key, .. } = &input else { panic!("{input:?}") };
            let wanted = self.world.state(&tell.id).wants(key);
            let heard = self.world.execution(&tell.id, input);
            assert_eq!(heard.is_ok(), wanted, "an end is heard exactly when it is waited for");
        }
    }

    /// A worker polls, begins, ends or comes back from where it was lost, or its action type is deleted.
    pub fn work_on(&mut self) {
        let all = self.rng.chance(20);
        let fits = |id: &&String| all || !self.world.job_state(id).phase.is_ended();
        let ids: Vec<&String> = self.world.job_order.iter().filter(fits).collect();
        if ids.is_empty() {
            return self.build_on();
        }
        let id = ids[self.rng.below(ids.len())].clone();
        let phase = self.world.job_state(&id).phase.clone();
        match self.rng.below(100) {
            0..=29 => self.hand_out(&id, &phase),
            30..=59 => self.acknowledge(),
            60..=79 => self.result_of(&id, &phase, 60),
            80..=97 => self.result_of(&id, &phase, 0),
            _ => {
                let withdrawn = self.world.job(&id, JobInput::Withdraw { message: "its type is gone".into() });
                let free = matches!(phase, JobPhase::Queued | JobPhase::Dispatched { .. });
                assert_eq!(withdrawn.is_ok(), free, "whose worker is at work is not withdrawn");
            }
        }
    }

    fn hand_out(&mut self, id: &str, phase: &JobPhase) {
        let nonce = format!("n{}", self.outside.handed.len());
        let handed = self.world.job(id, JobInput::HandOut { nonce: nonce.clone(), by: "w".into() });
        assert_eq!(handed.is_ok(), *phase == JobPhase::Queued, "a job is handed out when nobody has it");
        if handed.is_ok() {
            self.outside.handed.push((id.to_owned(), nonce));
        }
    }

    /// Some worker, which may have been handed its job long ago.
    fn acknowledge(&mut self) {
        let late = self.rng.chance(20);
        let handed = &self.outside.handed;
        let recent = if late { handed.len() } else { handed.len().min(3) };
        if recent == 0 {
            return;
        }
        let (id, nonce) = handed[handed.len() - 1 - self.rng.below(recent)].clone();
        let fits = match &self.world.job_state(&id).phase {
            JobPhase::Dispatched { nonce: newest, .. } | JobPhase::InProgress { nonce: newest, .. } => *newest == nonce,
            _ => false,
        };
        let taken = self.world.job(&id, JobInput::Acknowledge { nonce: nonce.clone() });
        assert_eq!(taken.is_ok(), fits, "who has the newest nonce acknowledges, and nobody else");
        if taken.is_ok() {
            let first = self.outside.acknowledged.entry(id.clone()).or_insert_with(|| nonce.clone());
            assert_eq!(*first, nonce, "two workers have the job {id}");
        } else {
            saw(OLD_NONCE);
        }
    }

    /// A worker says how its work has ended, perhaps too late, perhaps twice.
    fn result_of(&mut self, id: &str, phase: &JobPhase, success: u64) {
        let job = &self.world.job_state(id).job;
        let (execution, key) = (job.execution.clone(), job.key.clone());
        let wanted = self.world.state(&execution).wants(&key);
        let unheard = self.world.unheard.len();
        let goes_on = success == 0 && self.rng.chance(50);
        let taken = if self.rng.chance(success) {
            let value = if self.rng.chance(75) { "x" } else { "another" };
            let variables = self.rng.chance(90).then(|| ("Sometimes".to_owned(), value.to_owned()));
            self.world.succeed_job(id, variables.into_iter().collect()).is_ok()
        } else if goes_on {
            self.world.continue_job(id, "token", External::default()).is_ok()
        } else {
            let fail = JobInput::Fail { code: "JobFailed".into(), message: "red".into(), external_id: None };
            self.world.job(id, fail).is_ok()
        };
        assert_eq!(taken, matches!(phase, JobPhase::InProgress { .. }), "the result of a job at work is taken, once");
        if !taken {
            return saw(LATE_RESULT);
        }
        let about = |refusal: &String| refusal.strip_suffix(&key).is_some_and(|said| said.ends_with(' '));
        let news = self.world.unheard.split_off(unheard);
        let (refused, others): (Vec<_>, Vec<_>) = news.into_iter().partition(about);
        self.world.unheard.extend(others);
        assert_eq!(refused.len(), usize::from(!wanted), "a result is heard exactly when it is waited for");
        if !goes_on {
            assert!(!self.world.state(&execution).wants(&key), "the end of a job did not reach its action");
        } else if wanted {
            assert!(self.world.state(&execution).wants(&key), "an action ended whose job goes on");
        }
    }

    /// The weather has cleared: whoever has a job does it.
    pub fn do_jobs(&mut self) {
        for id in self.world.job_order.clone() {
            let nonce = format!("last-{id}");
            let _ = self.world.job(&id, JobInput::HandOut { nonce, by: "w".into() });
            if let JobPhase::Dispatched { nonce, .. } = self.world.job_state(&id).phase.clone() {
                self.world.job(&id, JobInput::Acknowledge { nonce }).unwrap();
            }
            let phase = self.world.job_state(&id).phase.clone();
            if matches!(phase, JobPhase::InProgress { .. }) {
                self.result_of(&id, &phase, 100);
            }
        }
    }
}
