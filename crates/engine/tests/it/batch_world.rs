//! A batch, the builds that it asked for, and what a driver does between them, in memory.

use std::collections::{BTreeMap, BTreeSet};

use base::{Effect, Event, Machine, Step, TimerChange, Timestamp};
use engine::build::{BuildStatus, Packaging, UploadedArtifact};
use engine::build_batch::{
    BatchEffect, BatchInput, BatchRefusal, BatchRequest, BatchState, BuildBatch, BuildEnd, Restrictions, SpecText,
    child,
};

use crate::build_simulation::request;
use crate::pipeline_world::Row;

pub const UUID: &str = "0f1e2d3c-0000-4000-8000-0000000000ba";

/// One batch and everything around it.
pub struct World {
    pub row: Row<BuildBatch>,
    pub now: Timestamp,
    pub outbox: Vec<Effect<BatchEffect>>,
    pub events: Vec<Event>,
    pub timer: Option<Timestamp>,
    /// Builds that run, by id, with the key that their end carries.
    pub running: BTreeMap<String, String>,
    /// Builds that were ever made.
    pub made: BTreeSet<String>,
    pub completions: u32,
}

pub fn batch_request(now: Timestamp) -> BatchRequest {
    BatchRequest {
        template: request(UUID, now),
        number: 1,
        timeout_minutes: 480,
        combine_artifacts: false,
        restrictions: Restrictions::default(),
        parent: None,
        config: serde_json::Value::Null,
    }
}

impl World {
    pub fn new(request: BatchRequest) -> Self {
        World {
            now: request.template.submitted,
            row: Row::new(BatchState::new(request)),
            outbox: Vec::new(),
            events: Vec::new(),
            timer: None,
            running: BTreeMap::new(),
            made: BTreeSet::new(),
            completions: 0,
        }
    }

    pub fn state(&self) -> &BatchState {
        &self.row.state
    }

    /// One step, committed.
    pub fn input(&mut self, input: BatchInput) -> Result<(), BatchRefusal> {
        let was_over = self.state().completed().is_some();
        let Step { state, effects, timers, events, .. } = BuildBatch::step(&self.row.state, input.clone(), self.now)?;
        self.row.state = state;
        self.row.log.push((self.now, input));
        for effect in effects {
            assert!(self.outbox.iter().all(|e| e.key != effect.key), "{} is asked for twice", effect.key);
            self.outbox.push(effect);
        }
        for timer in timers {
            match timer {
                TimerChange::Set { at, .. } => self.timer = Some(at),
                TimerChange::Clear { .. } => self.timer = None,
            }
        }
        self.events.extend(events);
        if !was_over && self.state().completed().is_some() {
            self.completions += 1;
            assert!(self.timer.is_none(), "a timer outlives its batch");
        }
        Ok(())
    }

    /// Does what an effect asks for, and answers.
    pub fn perform(&mut self, effect: &Effect<BatchEffect>, buildspec: &str) {
        let key = effect.key.clone();
        match &effect.effect {
            BatchEffect::ReadSpec { .. } => {
                let text = SpecText {
                    buildspec: buildspec.to_owned(),
                    resolved_version: Some("c0ffee".to_owned()),
                    secondary_versions: BTreeMap::new(),
                };
                self.input(BatchInput::SpecRead { key, text }).unwrap();
            }
            BatchEffect::StartBuild { identifier } => {
                let Some(group) = self.state().wanted(&key) else { return };
                assert_eq!(group.plan.identifier, *identifier);
                let request = child(self.state(), group).expect("a running build has a request");
                assert_eq!(request.parent.as_ref().map(|p| p.key.as_str()), Some(key.as_str()));
                // Performing again finds what performing made before.
                if self.made.insert(request.id.clone()) {
                    self.running.insert(request.id, key);
                }
            }
            BatchEffect::StopBuilds { builds } => {
                for build in builds {
                    if self.running.contains_key(&build.build) {
                        self.end(&build.build, BuildStatus::Stopped);
                    } else if !self.made.contains(&build.build) {
                        let message = "it was stopped".to_owned();
                        self.input(BatchInput::BuildNotStarted { key: build.key.clone(), message }).unwrap();
                    }
                }
            }
            BatchEffect::Combine { .. } => {
                let artifact = artifact(None, "combined");
                self.input(BatchInput::Combined { key, artifact }).unwrap();
            }
        }
    }

    /// A build ends and tells the batch.
    pub fn end(&mut self, build: &str, status: BuildStatus) {
        let Some(key) = self.running.remove(build) else { return };
        let artifacts = match status {
            BuildStatus::Succeeded => vec![artifact(None, build)],
            BuildStatus::Failed | BuildStatus::Fault | BuildStatus::Stopped | BuildStatus::TimedOut => Vec::new(),
        };
        self.input(BatchInput::BuildEnded { key, end: BuildEnd { status, artifacts } }).unwrap();
    }

    /// The build that runs for a group.
    pub fn build_of(&self, identifier: &str) -> Option<String> {
        let group = self.state().groups.iter().find(|g| g.plan.identifier == identifier)?;
        group.current().map(|run| run.build.clone())
    }

    pub fn status(&self) -> &'static str {
        BuildBatch::status(self.state())
    }
}

fn artifact(identifier: Option<String>, key: &str) -> UploadedArtifact {
    UploadedArtifact {
        identifier,
        location: format!("arn:aws:s3:::out/{key}"),
        bucket: "out".to_owned(),
        key: key.to_owned(),
        packaging: Packaging::Zip,
        md5: String::new(),
        sha256: String::new(),
    }
}
