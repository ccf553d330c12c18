//! One job, from the hand-out to its result.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base::Secret;
use serde_json::{Value, json};
use wire::sigv4::Credentials;

use super::artifacts;
use super::command::{self, Ended};
use super::folder::{self, Folder};
use super::jenkins::{self, Jenkins};
use super::result::{self, Outcome};
use crate::client::Client;
use crate::run::Interrupts;

/// How often the server is asked whether it still wants the result.
const STILL_WANTED: Duration = Duration::from_secs(5);

/// A job that was handed out, and what it takes to do it.
pub(super) struct Work {
    pub client: Arc<Client>,
    pub doer: Doer,
    /// As PollForJobs gave it.
    pub job: Value,
    pub dir: std::path::PathBuf,
    pub interrupts: Interrupts,
}

/// Who does the work of jobs.
#[derive(Clone)]
pub(super) enum Doer {
    /// A command, with its arguments.
    Command(Arc<[std::ffi::OsString]>),
    Jenkins(Arc<Jenkins>),
}

/// A text member of a job.
pub(super) fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The credentials that come with a job.
pub(super) fn credentials(job: &Value) -> Credentials {
    let of = |name: &str| text(job, &format!("/data/artifactCredentials/{name}"));
    Credentials {
        access_key: of("accessKeyId"),
        secret: Secret::new(of("secretAccessKey")),
        session_token: Some(Secret::new(of("sessionToken"))),
    }
}

impl Work {
    fn id(&self) -> String {
        text(&self.job, "/id")
    }

    /// Acknowledges the job, does it, and reports what came of it. The folder is there first: whoever comes after a worker that
    /// was killed then knows the job.
    pub(super) async fn done(self) {
        let id = self.id();
        let folder = match Folder::make(&self.dir, &self.job) {
            Ok(folder) => folder,
            Err(e) => {
                if acknowledged(&self.client, &id, &text(&self.job, "/nonce")).await {
                    result::report(&self.client, &id, Outcome::failed(format!("The worker cannot begin: {e}"))).await;
                }
                return;
            }
        };
        if acknowledged(&self.client, &id, &text(&self.job, "/nonce")).await {
            match self.outcome(&folder).await {
                Some(outcome) => {
                    eprintln!("[{id}] {outcome}");
                    result::report(&self.client, &id, outcome).await;
                }
                None => eprintln!("[{id}] the pipeline does not want the result any more"),
            }
        } else {
            eprintln!("[{id}] somebody else has it");
            // It is ours no more; a worker that was killed may have begun it.
            if let Doer::Jenkins(jenkins) = &self.doer {
                jenkins::Run::of(jenkins, &self.job, folder.path().to_owned()).stop().await;
            }
        }
        folder.remove();
    }

    /// The outcome; `None` when nobody wants it any more.
    async fn outcome(&self, folder: &Folder) -> Option<Outcome> {
        match &self.doer {
            Doer::Command(command) => self.by_command(folder, command).await,
            Doer::Jenkins(jenkins) => self.by_jenkins(folder, jenkins).await,
        }
    }

    async fn by_jenkins(&self, folder: &Folder, jenkins: &Jenkins) -> Option<Outcome> {
        let run = jenkins::Run::of(jenkins, &self.job, folder.path().to_owned());
        let outcome = tokio::select! {
            outcome = run.done() => return Some(outcome),
            () = self.interrupts.reach(2) => Some(Outcome::failed("The worker was stopped.".to_owned())),
            () = self.unwanted() => None,
        };
        run.stop().await;
        outcome
    }

    async fn by_command(&self, folder: &Folder, command: &[std::ffi::OsString]) -> Option<Outcome> {
        let s3 = self.client.with(credentials(&self.job));
        if let Err(e) = artifacts::fetch(&s3, &self.job, folder).await {
            return Some(Outcome::failed(e));
        }
        let environment = match folder::environment(&self.job, folder) {
            Ok(environment) => environment,
            Err(e) => return Some(Outcome::failed(e)),
        };
        let (cwd, id) = (folder.cwd(&self.job), self.id());
        let running = command::run(command, &cwd, environment, &id);
        let ended = tokio::select! {
            ended = running => ended,
            () = self.interrupts.reach(2) => return Some(Outcome::failed("The worker was stopped.".to_owned())),
            () = self.unwanted() => return None,
        };
        let mut outcome = match ended {
            Ok(Ended { success: true, .. }) => match result::of(folder.path()) {
                Ok(outcome) => outcome,
                Err(e) => Outcome::failed(e),
            },
            Ok(Ended { how, tail, .. }) => Outcome::failed(result::message(&how, &tail)),
            Err(e) => Outcome::failed(e),
        };
        // A job that will go on has nothing to hand over yet.
        if outcome.is_final_success()
            && let Err(e) = artifacts::store(&self.fresh(&s3).await, &self.job, folder).await
        {
            outcome = Outcome::failed(e);
        }
        Some(outcome)
    }

    /// A client with new credentials, where there are some: the first may be too old by now.
    async fn fresh(&self, first: &Client) -> Client {
        let asked = self.client.ask("codepipeline", "GetJobDetails", json!({"jobId": self.id()})).await;
        match asked {
            Ok(Ok(details)) => self.client.with(credentials(&details["jobDetails"])),
            Ok(Err(_)) | Err(_) => first.with(credentials(&self.job)),
        }
    }

    /// Ends when the server does not want the result any more.
    async fn unwanted(&self) {
        loop {
            tokio::time::sleep(STILL_WANTED).await;
            if !acknowledged(&self.client, &self.id(), &text(&self.job, "/nonce")).await {
                return;
            }
        }
    }
}

/// Where the folder of a job is.
pub(super) fn dir_of(work: &Path, job: &Value) -> Result<std::path::PathBuf, String> {
    let id = text(job, "/id");
    if id.is_empty() || !id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return Err(format!("The job's id '{id}' is not one."));
    }
    Ok(work.join(id))
}

/// Acknowledges a job until the server has answered: whether it is ours. The same nonce may do so more than once.
pub(super) async fn acknowledged(client: &Client, id: &str, nonce: &str) -> bool {
    let acknowledge = json!({"jobId": id, "nonce": nonce});
    let mut pause = Duration::from_millis(200);
    loop {
        match client.ask("codepipeline", "AcknowledgeJob", acknowledge.clone()).await {
            Ok(Ok(answer)) => return answer["status"] == "InProgress",
            Ok(Err(refused)) if refused.is_final() => return false,
            Ok(Err(_)) | Err(_) => {}
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(5));
    }
}
