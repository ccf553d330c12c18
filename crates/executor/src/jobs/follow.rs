//! Follows a job by reading its journal.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::time::Duration;

use base::{JobOutcome, StepRecord};

use super::watch::Subscription;
use crate::folder::Folder;
use crate::{ExecutorError, JobReport, JobState, Position, journal};

/// How often a follower looks without being told: the end of a machine's inotify quota must not hang a build.
const LOOK_ANYWAY: Duration = Duration::from_secs(5);

/// One follower.
pub(super) struct Follower {
    pub id: String,
    pub folder: Folder,
    pub position: Position,
    pub subscription: Subscription,
    pub journal: Option<File>,
    pub ready: VecDeque<JobReport>,
    pub is_done: bool,
}

impl Follower {
    /// The next report; `None` after the last.
    pub async fn next(&mut self) -> Result<Option<JobReport>, ExecutorError> {
        loop {
            if let Some(report) = self.ready.pop_front() {
                return Ok(Some(report));
            }
            if self.is_done {
                return Ok(None);
            }
            // Reads come from the page cache: no thread is worth its switch.
            let found = self.look().map_err(ExecutorError::io(format!("reading the journal of job {}", self.id)))?;
            if !found {
                self.is_done = true;
                return Err(ExecutorError::UnknownJob(self.id.clone()));
            }
            if self.ready.is_empty() && !self.is_done {
                let _ = tokio::time::timeout(LOOK_ANYWAY, self.subscription.changed()).await;
            }
        }
    }

    /// Reads what there is; false when the job is gone.
    fn look(&mut self) -> io::Result<bool> {
        // First the state, then the journal: an ended job's journal is complete.
        let Some(state) = self.folder.state()? else { return Ok(false) };
        if self.journal.is_none() {
            self.journal = open(&self.folder)?;
        }
        if let Some(file) = &self.journal {
            let (reports, next) = journal::read(file, self.position)?;
            self.position = next;
            self.ready.extend(reports);
            if !self.ready.is_empty() {
                return Ok(true);
            }
        }
        match state {
            JobState::Waiting | JobState::Running => {}
            JobState::Ended => {
                let outcome = self.folder.read_outcome()?;
                self.end(outcome.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?);
            }
            JobState::Lost => {
                let steps = steps(&self.folder)?;
                let reason = "the job's supervisor ended without an outcome: it was killed, or the machine restarted";
                self.end(JobOutcome::Lost { steps, reason: reason.into() });
            }
        }
        Ok(true)
    }

    fn end(&mut self, outcome: JobOutcome) {
        self.ready.push_back(JobReport::Ended(outcome));
        self.is_done = true;
    }
}

fn open(folder: &Folder) -> io::Result<Option<File>> {
    match File::open(folder.journal()) {
        Ok(file) => Ok(Some(file)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

/// The last record of each step.
fn steps(folder: &Folder) -> io::Result<Vec<StepRecord>> {
    let Some(file) = open(folder)? else { return Ok(Vec::new()) };
    let mut steps: Vec<StepRecord> = Vec::new();
    let mut position = Position::START;
    loop {
        let (reports, next) = journal::read(&file, position)?;
        if next == position {
            return Ok(steps);
        }
        position = next;
        for report in reports {
            if let JobReport::Step { record, .. } = report {
                match steps.last_mut() {
                    Some(last) if last.name == record.name => *last = record,
                    _ => steps.push(record),
                }
            }
        }
    }
}
