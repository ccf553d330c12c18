//! What the store, the driver and an executor do with builds, in memory and at their worst.
//!
//! The store commits a step whole. The driver claims effects, is slow, dies between a commit and its deed and between a
//! deed and its commit, and sometimes says a thing again. The executor runs a job's steps and forgets nothing until it
//! is told to, unless its machine restarts.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use base::{Effect, JobOutcome, JobSpec, JobTimeout, Machine, StepOutcome, StepRecord, Tell, TimerChange, Timestamp};
use engine::build::{
    ArtifactPlan, Build, BuildEffect, BuildInput, BuildRefusal, BuildState, BuildStatus, Context, Phase, PhaseEnd,
    Request, SourceFailure, Sourced, Stage, UploadedArtifact,
};
use serde_json::Value;

use crate::pipeline_world::Row;
use crate::rng::Rng;

const BUILDSPECS: [&str; 4] = [
    "version: 0.2\nphases: {build: {commands: [make]}}\nartifacts: {files: ['**/*']}\n",
    "version: 0.2\nenv: {exported-variables: [V]}\nphases: {install: {commands: [a]}, build: {commands: [b]}}\n",
    "version: 0.2\nphases: {build: {on-failure: CONTINUE, commands: [make]}, post_build: {commands: [x]}}\n",
    "version: 0.2\nphases: {builds: {commands: [make]}}\n",
];

/// A text for builds that bring their own.
pub fn buildspec(rng: &mut Rng) -> &'static str {
    // The last one is wrong, and rare.
    let n = if rng.chance(5) { 3 } else { rng.below(3) };
    BUILDSPECS[n]
}

/// An effect in the outbox.
struct Due {
    build: String,
    effect: Effect<BuildEffect>,
    /// Rises with each claim; a claim with a smaller one is void.
    fence: u32,
    claimed: bool,
}

/// What a performer is about to do; a crash forgets it.
#[derive(Clone, Debug)]
enum Deed {
    /// Says something on the way.
    Tell { build: String, input: BuildInput },
    /// Says the result and takes the effect out of the outbox.
    Answer { build: String, key: String, fence: u32, input: BuildInput },
    /// Has seen that the job is wanted, and starts it.
    StartJob { build: String, key: String, fence: u32, job: Box<JobSpec> },
    /// Copies what the job tells.
    Follow { build: String, key: String, fence: u32, job: String },
}

/// A job of the executor.
struct Job {
    spec: JobSpec,
    steps: Vec<StepRecord>,
    end: Option<JobOutcome>,
}

/// Builds and all that is around them.
#[derive(Default)]
pub struct Builds {
    pub rows: BTreeMap<String, Row<Build>>,
    /// Committed for other machines, and to be delivered in the same transaction.
    pub tells: Vec<Tell>,
    timers: BTreeMap<(String, String), (Timestamp, Value)>,
    outbox: Vec<Due>,
    deeds: Vec<Deed>,
    jobs: BTreeMap<String, Job>,
    /// How often each job began to run.
    starts: BTreeMap<String, u32>,
    /// How the jobs ended that ended.
    truths: BTreeMap<String, JobOutcome>,
    said: Vec<(String, BuildInput)>,
    keys: HashSet<(String, String)>,
    events: HashSet<String>,
    told: BTreeMap<String, u32>,
    completions: BTreeMap<String, u32>,
    stopped: BTreeSet<String>,
    /// Whose limit passed while somebody was at work on it.
    tried: BTreeSet<String>,
    /// Of those, whose job did not confirm its end, or whose upload took too long.
    overdue: BTreeSet<String>,
    disk_was_full: bool,
}

impl Builds {
    /// Makes a build and starts it, in one transaction.
    pub fn create(&mut self, request: Request, now: Timestamp) {
        let id = request.id.clone();
        assert!(!self.rows.contains_key(&id), "the build {id} is made twice");
        self.rows.insert(id.clone(), Row::new(BuildState::new(request)));
        self.input(&id, BuildInput::Start, now).unwrap();
    }

    pub fn state(&self, id: &str) -> &BuildState {
        &self.rows.get(id).expect("a known build").state
    }

    pub fn all_completed(&self) -> bool {
        self.rows.values().all(|row| row.state.completed().is_some())
    }

    pub fn is_quiet(&self) -> bool {
        self.all_completed() && self.outbox.is_empty() && self.deeds.is_empty()
    }

    pub fn stop(&mut self, id: &str, now: Timestamp) {
        let over = self.state(id).completed().is_some();
        let answer = self.input(id, BuildInput::Stop {}, now);
        assert_eq!(answer.is_err(), over, "a stop is refused exactly when the build is over");
        if !over {
            let heeded = matches!(self.state(id).stage, Stage::Stopping(_) | Stage::Completed { .. });
            assert!(heeded, "the stop of {id} was taken and not heeded");
            self.stopped.insert(id.to_owned());
        }
    }

    /// Stops some build, which may be over.
    pub fn stop_one(&mut self, rng: &mut Rng, now: Timestamp) {
        if let Some(id) = self.rows.keys().nth(rng.below(self.rows.len())).cloned() {
            self.stop(&id, now);
        }
    }

    /// There is no room: every build hears of it.
    fn fill_disk(&mut self, now: Timestamp) {
        self.disk_was_full = true;
        for id in self.rows.keys().cloned().collect::<Vec<_>>() {
            self.input(&id, BuildInput::DiskFull {}, now).unwrap();
        }
    }

    /// One thing happens.
    pub fn disturb(&mut self, rng: &mut Rng, now: Timestamp) {
        match rng.below(100) {
            0..=29 => self.claim_one(rng, now),
            30..=69 => self.do_one(rng, now),
            70..=89 => self.run_jobs(rng, now),
            90..=93 => self.crash(now),
            94 if rng.chance(20) => self.fill_disk(now),
            94 => self.restart_machine(now),
            _ => self.say_again(rng, now),
        }
    }

    fn input(&mut self, id: &str, input: BuildInput, now: Timestamp) -> Result<(), BuildRefusal> {
        let row = self.rows.get_mut(id).expect("a known build");
        if matches!(input, BuildInput::DeadlinePassed {} | BuildInput::QueueTimedOut {})
            && self.outbox.iter().any(|due| due.build == id && due.claimed && due.is_awaited())
        {
            self.tried.insert(id.to_owned());
            if row.state.is_stopping() || matches!(row.state.stage, Stage::Uploading(_)) {
                self.overdue.insert(id.to_owned());
            }
        }
        let step = Build::step(&row.state, input.clone(), now)?;
        let before = std::mem::replace(&mut row.state, step.state);
        row.log.push((now, input));
        let version = row.log.len();
        if before.completed().is_some() {
            let silent = step.effects.is_empty() && step.events.is_empty() && step.tells.is_empty();
            assert!(silent && step.timers.is_empty() && before == row.state, "{id} goes on after its end");
        }
        check_phases(id, &before, &row.state);
        for (n, event) in step.events.iter().enumerate() {
            assert!(self.events.insert(format!("{id}/{version}/{n}")), "two events with one id");
            if event.detail["current-phase"] == "COMPLETED" {
                *self.completions.entry(id.to_owned()).or_default() += 1;
            }
        }
        for effect in step.effects {
            let fresh = self.keys.insert((id.to_owned(), effect.key.clone()));
            assert!(fresh, "the effect {} was asked for twice", effect.key);
            if let BuildEffect::Run { job, .. } = &effect.effect {
                assert_eq!(effect.key, format!("{}:run", job.id), "another key for the job {}", job.id);
            }
            self.outbox.push(Due { build: id.to_owned(), effect, fence: 0, claimed: false });
        }
        for change in step.timers {
            match change {
                TimerChange::Set { key, at, input } => self.timers.insert((id.to_owned(), key), (at, input)),
                TimerChange::Clear { key } => self.timers.remove(&(id.to_owned(), key)),
            };
        }
        let timers = self.timers.keys().filter(|(build, _)| build == id).count();
        assert_eq!(timers, usize::from(row.state.completed().is_none()), "{id} has one limit until its end");
        if !step.tells.is_empty() {
            *self.told.entry(id.to_owned()).or_default() += 1;
        }
        self.tells.extend(step.tells);
        Ok(())
    }

    /// The driver claims an effect that is free, or one whose lease ran out.
    fn claim_one(&mut self, rng: &mut Rng, now: Timestamp) {
        if self.outbox.is_empty() {
            return;
        }
        let n = rng.below(self.outbox.len());
        if !self.outbox[n].claimed || rng.chance(10) {
            self.claim(n, rng, now);
        }
    }

    fn claim(&mut self, n: usize, rng: &mut Rng, now: Timestamp) {
        let due = &mut self.outbox[n];
        (due.claimed, due.fence) = (true, due.fence + 1);
        let (build, key, fence) = (due.build.clone(), due.effect.key.clone(), due.fence);
        let effect = due.effect.effect.clone();
        // Between looking whether a job is wanted and starting it lie milliseconds, and a lease is seconds.
        self.deeds.retain(|deed| !matches!(deed, Deed::StartJob { key: other, .. } if *other == key));
        let state = self.state(&build);
        let over = state.completed().is_some();
        let stopping = state.is_stopping();
        match effect {
            BuildEffect::Prepare { .. } | BuildEffect::Run { .. } if over => self.finish(&key),
            BuildEffect::Prepare { .. } => {
                self.deeds.push(Deed::Tell { build: build.clone(), input: began(&key, rng, now) });
                let input = prepared(&key, rng, now);
                self.deeds.push(Deed::Answer { build, key, fence, input });
            }
            BuildEffect::Run { job, .. } if stopping => {
                self.cancel(&job.id, rng);
                self.deeds.push(Deed::Follow { build, key, fence, job: job.id });
            }
            BuildEffect::Run { job, .. } => self.deeds.push(Deed::StartJob { build, key, fence, job }),
            BuildEffect::Cancel { job } => {
                self.cancel(&job, rng);
                if !rng.chance(20) {
                    self.finish(&key);
                }
            }
            BuildEffect::Upload { sets, .. } => {
                let input = uploaded(&key, &sets, rng);
                self.deeds.push(Deed::Answer { build, key, fence, input });
            }
            BuildEffect::AutoRetry { .. } => unreachable!("no build here is retried by itself"),
            BuildEffect::Finish { job, .. } => {
                self.jobs.remove(&job);
                if !rng.chance(20) {
                    self.finish(&key);
                }
            }
        }
    }

    /// A performer does what it was about to do, in no order.
    fn do_one(&mut self, rng: &mut Rng, now: Timestamp) {
        if self.deeds.is_empty() {
            return;
        }
        let n = rng.below(self.deeds.len());
        self.perform(n, rng, now);
    }

    fn perform(&mut self, n: usize, rng: &mut Rng, now: Timestamp) {
        match self.deeds.swap_remove(n) {
            Deed::Tell { build, input } => self.say(&build, input, now),
            Deed::Answer { build, key, fence, input } => {
                // A commit under a void claim is undone.
                if self.holds(&key, fence) {
                    self.say(&build, input, now);
                    self.finish(&key);
                }
            }
            Deed::StartJob { build, key, fence, job } => self.start_job(rng, now, (build, key, fence, *job)),
            Deed::Follow { build, key, fence, job } => self.follow(rng, (build, key, fence, job)),
        }
    }

    fn start_job(&mut self, rng: &mut Rng, now: Timestamp, (build, key, fence, spec): (String, String, u32, JobSpec)) {
        let id = spec.id.clone();
        if !self.jobs.contains_key(&id) {
            if rng.chance(5) {
                let outcome = JobOutcome::NotStarted { reason: "no room".to_owned() };
                let input = BuildInput::JobEnded { key: key.clone(), outcome };
                return self.deeds.push(Deed::Answer { build, key, fence, input });
            }
            assert!(self.state(&build).completed().is_none(), "the job of {build} starts after its end");
            *self.starts.entry(id.clone()).or_default() += 1;
            self.jobs.insert(id.clone(), Job { spec, steps: Vec::new(), end: None });
        }
        if rng.chance(10) {
            // Dead after the start and before anybody heard of it.
            self.crash(now);
            return;
        }
        self.say(&build, began(&key, rng, now), now);
        if self.state(&build).is_stopping() {
            self.cancel(&id, rng);
        }
        self.deeds.push(Deed::Follow { build, key, fence, job: id });
    }

    fn follow(&mut self, rng: &mut Rng, (build, key, fence, job): (String, String, u32, String)) {
        if !self.holds(&key, fence) {
            return;
        }
        let outcome = match self.jobs.get(&job) {
            None if self.state(&build).is_stopping() => {
                Some(JobOutcome::NotStarted { reason: "it was stopped before it began".to_owned() })
            }
            None => Some(JobOutcome::Lost { steps: Vec::new(), reason: "unknown".to_owned() }),
            Some(job) => {
                let some = rng.below(job.steps.len() + 1);
                let steps = job.steps.iter().take(some).cloned().collect();
                self.deeds.push(Deed::Tell {
                    build: build.clone(),
                    input: BuildInput::StepsReported { key: key.clone(), steps },
                });
                job.end.clone()
            }
        };
        match outcome {
            Some(outcome) => {
                let input = BuildInput::JobEnded { key: key.clone(), outcome };
                self.deeds.push(Deed::Answer { build, key, fence, input });
            }
            None => self.deeds.push(Deed::Follow { build, key, fence, job }),
        }
    }

    /// Jobs go on, server or no server.
    fn run_jobs(&mut self, rng: &mut Rng, now: Timestamp) {
        for (id, job) in self.jobs.iter_mut().filter(|(_, job)| job.end.is_none()) {
            let at = skewed(rng, now);
            match job.steps.last_mut().filter(|step| step.finished.is_none()) {
                Some(step) if rng.chance(4) => {
                    step.finished = Some((at, StepOutcome::TimedOut));
                    let timeout = JobTimeout { steps: job.steps.clone(), after_seconds: 60 };
                    job.end = Some(JobOutcome::TimedOut(timeout));
                }
                Some(_) if rng.chance(3) => job.end = Some(JobOutcome::OutOfMemory { steps: job.steps.clone() }),
                Some(step) if rng.chance(12) => {
                    let failed = StepOutcome::Failed { command: "make".to_owned(), exit_status: 2 };
                    step.finished = Some((at, failed));
                    let aborts =
                        job.spec.steps.iter().any(|s| s.name == step.name && s.on_failure == base::StepFailure::Abort);
                    if aborts {
                        job.end = Some(finished(&job.steps));
                    }
                }
                Some(step) => step.finished = Some((at, StepOutcome::Succeeded)),
                None => match job.spec.steps.get(job.steps.len()) {
                    Some(next) => job.steps.push(StepRecord { name: next.name.clone(), started: at, finished: None }),
                    None => job.end = Some(finished(&job.steps)),
                },
            }
            if let Some(end) = &job.end {
                self.truths.insert(id.clone(), end.clone());
            }
        }
    }

    fn cancel(&mut self, job: &str, rng: &mut Rng) {
        // Some processes do not die when they are told to.
        if let Some(found) = self.jobs.get_mut(job).filter(|job| job.end.is_none() && !rng.chance(15)) {
            let end = JobOutcome::Cancelled { steps: found.steps.clone() };
            found.end = Some(end.clone());
            self.truths.insert(job.to_owned(), end);
        }
    }

    /// `kill -9`, and a new start at `now`: what was committed stays, what was meant is gone, jobs run on.
    fn crash(&mut self, now: Timestamp) {
        self.crash_for(Duration::ZERO, now);
    }

    /// The same, when the server was down for `down` before `now`. It may die again before it has told everybody so.
    fn crash_for(&mut self, down: Duration, now: Timestamp) {
        self.deeds.clear();
        for due in &mut self.outbox {
            due.claimed = false;
        }
        let down_seconds = down.as_secs();
        for id in self.rows.keys().cloned().collect::<Vec<_>>() {
            let before = self.limit(&id);
            for _ in 0..2 {
                self.input(&id, BuildInput::Resumed { down_seconds }, now).unwrap();
            }
            let Some((before, after)) = before.zip(self.limit(&id)) else { continue };
            let moment = after == now + Duration::from_secs(30) && self.state(&id).facts.moments <= 10;
            assert!(after == before + down || moment, "{id} was given {before}..{after} for {down:?} without a server");
        }
    }

    /// When the limit that runs now is over.
    fn limit(&self, id: &str) -> Option<Timestamp> {
        self.timers.iter().find(|((build, _), _)| build == id).map(|(_, (at, _))| *at)
    }

    /// The clock moves on, and timers that are due fire, some of them later, some twice. The server may be down
    /// meanwhile; if it is not, everything that waits is taken up before that.
    pub fn pass(&mut self, rng: &mut Rng, (from, now): (Timestamp, Timestamp), all: bool) {
        if rng.chance(40) {
            for _ in 0..rng.below(12) {
                self.run_jobs(rng, from);
            }
            self.crash_for(now.since(from), now);
        } else {
            self.settle(rng, from);
        }
        self.fire(rng, now, all);
    }

    /// Nobody leaves an effect unclaimed for long, or stands for long between two lines of its own.
    fn settle(&mut self, rng: &mut Rng, now: Timestamp) {
        for _ in 0..100 {
            if let Some(n) = self.deeds.iter().position(|deed| matches!(deed, Deed::StartJob { .. })) {
                self.perform(n, rng, now);
            } else if let Some(n) = self.outbox.iter().position(|due| !due.claimed) {
                self.claim(n, rng, now);
            } else {
                return;
            }
        }
    }

    fn restart_machine(&mut self, now: Timestamp) {
        self.crash(now);
        for (id, job) in self.jobs.iter_mut().filter(|(_, job)| job.end.is_none()) {
            let end = JobOutcome::Lost { steps: job.steps.clone(), reason: "the machine restarted".to_owned() };
            self.truths.insert(id.clone(), end.clone());
            job.end = Some(end);
        }
    }

    /// Something that was said before is said again, however long ago.
    fn say_again(&mut self, rng: &mut Rng, now: Timestamp) {
        if self.said.is_empty() {
            return;
        }
        let (build, input) = self.said[rng.below(self.said.len())].clone();
        let _ = self.input(&build, input, now);
    }

    fn say(&mut self, build: &str, input: BuildInput, now: Timestamp) {
        self.said.push((build.to_owned(), input.clone()));
        let _ = self.input(build, input, now);
    }

    fn holds(&self, key: &str, fence: u32) -> bool {
        self.outbox.iter().any(|due| due.effect.key == key && due.claimed && due.fence == fence)
    }

    fn finish(&mut self, key: &str) {
        self.outbox.retain(|due| due.effect.key != key);
    }

    fn fire(&mut self, rng: &mut Rng, now: Timestamp, all: bool) {
        for due in &mut self.outbox {
            due.claimed &= self.deeds.iter().any(|deed| deed.key() == Some(due.effect.key.as_str()));
        }
        let due: Vec<_> =
            self.timers.iter().filter(|(_, (at, _))| *at <= now).map(|(k, v)| (k.clone(), v.clone())).collect();
        for (place, (_, input)) in due {
            if (!all && rng.chance(30)) || self.timers.remove(&place).is_none() {
                continue;
            }
            let input: BuildInput = serde_json::from_value(input).unwrap();
            self.check_fired(&place.0, input.clone(), now);
            if rng.chance(20) {
                let _ = self.input(&place.0, input, now);
            }
        }
    }

    fn check_fired(&mut self, id: &str, input: BuildInput, now: Timestamp) {
        // A fired timer must lead on, else nothing would ever end what it was set for.
        let before = self.state(id).clone();
        self.input(id, input, now).unwrap();
        assert!(*self.state(id) != before, "the limit of {id} passed and nothing came of it");
    }

    /// The weather clears for a while: nothing is lost any more, and old news still come in.
    pub fn clear_up(&mut self, rng: &mut Rng, now: Timestamp) {
        for _ in 0..12 {
            for _ in 0..self.outbox.len() * 3 {
                self.claim_one(rng, now);
            }
            self.run_jobs(rng, now);
            for _ in 0..self.deeds.len() * 2 {
                self.do_one(rng, now);
            }
            if rng.chance(30) {
                self.say_again(rng, now);
            }
        }
    }

    /// After all is over. `fold` also replays the inputs, which costs as much as all that went before.
    pub fn final_check(&self, fold: bool) {
        assert!(self.jobs.is_empty(), "jobs are left: {:?}", self.jobs.keys());
        assert!(self.timers.is_empty(), "timers are left: {:?}", self.timers);
        assert!(self.starts.values().all(|n| *n == 1), "a job ran twice: {:?}", self.starts);
        for (id, row) in &self.rows {
            let state = &row.state;
            let (status, _) = state.completed().expect("the build has an end");
            assert_eq!(self.completions.get(id), Some(&1), "{id} completes once");
            let told = self.told.get(id).copied().unwrap_or_default();
            assert_eq!(told, u32::from(state.request.parent.is_some()), "whoever waits for {id} hears of its end once");
            if fold {
                assert_eq!(row.folded(), *state, "folding the inputs of {id} gives its state");
                let json = serde_json::to_value(state).unwrap();
                assert_eq!(serde_json::from_value::<BuildState>(json).unwrap(), *state);
            }
            let truth = self.truths.get(&state.request.uuid);
            if status == BuildStatus::Succeeded {
                let good =
                    matches!(truth, Some(JobOutcome::Finished { steps, .. }) if steps.iter().all(counts_as_good));
                assert!(good, "{id} is said to have succeeded, and its job ended so: {truth:?}");
                assert!(state.first_failure().is_none());
                let wanted = self.keys.contains(&(id.clone(), format!("{}:upload", state.request.uuid)));
                assert_eq!(wanted, !state.facts.artifacts.is_empty(), "{id} has the artifacts that it asked for");
            } else {
                assert!(state.first_failure().is_some(), "{id} ended {status:?} and no phase says why");
            }
            if let (BuildStatus::TimedOut, Some(JobOutcome::Finished { steps, .. })) = (status, truth) {
                // By the job's own clock, which may have gone backwards within a step.
                let times =
                    |step: &StepRecord| step.finished.as_ref().map_or(step.started, |(at, _)| step.started.max(*at));
                let ended = steps.iter().map(times).max();
                let late = ended.zip(deadline(state)).is_some_and(|(ended, deadline)| ended > deadline);
                assert!(late || self.overdue.contains(id), "{id} has timed out, and its job had finished in time");
            }
            if status == BuildStatus::TimedOut && truth.is_none() {
                assert!(self.tried.contains(id), "{id} has timed out, and nobody had tried");
            }
            let cut = state.first_failure().is_some_and(|(_, context)| context.message.contains("disk"));
            assert!(!cut || self.disk_was_full, "{id} was ended for want of room and there was room");
            if status == BuildStatus::Fault {
                let lost = matches!(truth, None | Some(JobOutcome::Lost { .. }));
                assert!(lost, "{id} is said to be lost, and its job ended so: {truth:?}");
            }
            if status == BuildStatus::Stopped && !matches!(truth, Some(JobOutcome::Cancelled { .. })) {
                assert!(self.stopped.contains(id), "{id} was stopped by nobody");
            }
        }
    }
}

impl Due {
    /// Whether the build goes on when it is done.
    fn is_awaited(&self) -> bool {
        matches!(self.effect.effect, BuildEffect::Prepare { .. } | BuildEffect::Run { .. } | BuildEffect::Upload { .. })
    }
}

impl Deed {
    fn key(&self) -> Option<&str> {
        match self {
            Deed::Tell { .. } => None,
            Deed::Answer { key, .. } | Deed::StartJob { key, .. } | Deed::Follow { key, .. } => Some(key),
        }
    }
}

/// When nobody can be at work on the build any more.
fn deadline(state: &BuildState) -> Option<Timestamp> {
    let begun = state.phases.iter().find(|record| record.phase == Phase::Provisioning)?.started;
    let seconds = u64::from(state.request.timeout_minutes) * 60 + 60 + state.facts.down_seconds;
    Some(begun + Duration::from_secs(seconds))
}

/// Phases are in order, all but the last are closed, times do not run backwards, and what is closed stays.
fn check_phases(id: &str, before: &BuildState, state: &BuildState) {
    for (n, record) in state.phases.iter().enumerate() {
        let next = state.phases.get(n + 1);
        match (&record.end, next) {
            (PhaseEnd::Open, Some(next)) => panic!("{id}: {:?} is open and {:?} began", record.phase, next.phase),
            (PhaseEnd::Open, None) => assert_eq!(
                record.phase == Phase::Completed,
                state.completed().is_some(),
                "{id}: {:?} is open in {:?}",
                record.phase,
                state.stage
            ),
            (PhaseEnd::Ended { at, .. }, next) => {
                assert!(*at >= record.started, "{id}: {:?} ended before it began", record.phase);
                assert!(next.is_none_or(|next| next.phase > record.phase), "{id}: phases out of order");
            }
        }
        if let Some(old) = before.phases.get(n) {
            let same = old.phase == record.phase && old.started == record.started;
            assert!(same && (old.end == PhaseEnd::Open || old == record), "{id}: the past of {:?} changed", old.phase);
        }
    }
    assert!(state.phases.len() >= before.phases.len(), "{id}: a phase is gone");
}

fn began(key: &str, rng: &mut Rng, now: Timestamp) -> BuildInput {
    BuildInput::Began { key: key.to_owned(), at: skewed(rng, now) }
}

fn prepared(key: &str, rng: &mut Rng, now: Timestamp) -> BuildInput {
    let key = key.to_owned();
    let failure = match rng.below(100) {
        0..=4 => SourceFailure::Environment { reason: "no namespaces".to_owned() },
        5..=9 => SourceFailure::Source { code: "CLIENT_ERROR".to_owned(), message: "no such commit".to_owned() },
        _ => {
            let sourced = Sourced {
                provisioned: skewed(rng, now),
                environment: Vec::new(),
                resolved_version: Some("c0ffee".to_owned()),
                secondary_versions: BTreeMap::new(),
                buildspec: buildspec(rng).to_owned(),
            };
            return BuildInput::Prepared { key, sourced };
        }
    };
    BuildInput::PrepareFailed { key, failure }
}

fn uploaded(key: &str, sets: &[ArtifactPlan], rng: &mut Rng) -> BuildInput {
    let key = key.to_owned();
    if rng.chance(10) {
        let Context { status_code: code, message } = Context::new("CLIENT_ERROR", "no such bucket");
        return BuildInput::UploadFailed { key, code, message };
    }
    let artifact = |set: &ArtifactPlan| UploadedArtifact {
        identifier: set.identifier.clone(),
        location: format!("arn:aws:s3:::{}/{}", set.bucket, set.key),
        bucket: set.bucket.clone(),
        key: set.key.clone(),
        packaging: set.packaging,
        md5: String::new(),
        sha256: String::new(),
    };
    BuildInput::Uploaded { key, artifacts: sets.iter().map(artifact).collect() }
}

fn finished(steps: &[StepRecord]) -> JobOutcome {
    let exported = BTreeMap::from([("V".to_owned(), "1".to_owned())]);
    JobOutcome::Finished { steps: steps.to_vec(), exported }
}

/// Steps of ours around those of the buildspec decide nothing.
fn counts_as_good(step: &StepRecord) -> bool {
    succeeded(step) || Phase::of_step(&step.name).is_none()
}

fn succeeded(step: &StepRecord) -> bool {
    matches!(&step.finished, Some((_, StepOutcome::Succeeded)))
}

/// Clocks differ.
fn skewed(rng: &mut Rng, now: Timestamp) -> Timestamp {
    Timestamp::from_micros(now.micros() + i64::try_from(rng.below(4_000_000)).unwrap() - 2_000_000)
}

/// How long a simulation lets the clock jump.
pub fn jump(rng: &mut Rng) -> Duration {
    Duration::from_secs([5, 190, 61 * 60 + 60, 9 * 3600][rng.below(4)])
}
