//! Polling, and as many jobs at once as were asked for.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::flags::Flags;
use super::jenkins::Jenkins;
use super::job::{Doer, Work, dir_of, text};
use super::left::Place;
use super::register::register;
use crate::cli::CliError;
use crate::client::Client;
use crate::config::Config;
use crate::run::Interrupts;

/// The longest pause when the server does not answer.
const MAX_PAUSE: Duration = Duration::from_secs(10);

/// Runs a worker until it is asked to end: then it takes no more jobs and ends with those that it has. Asked twice, it ends
/// their commands and reports failures.
pub fn run(config: &Config, flags: &Flags) -> Result<(), CliError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.map_err(CliError::environment)?.block_on(serve(config, flags))
}

async fn serve(config: &Config, flags: &Flags) -> Result<(), CliError> {
    let interrupts = Interrupts::listen()?;
    let client = Arc::new(Client::of_caller(config)?);
    let place = Place::take(flags.work.as_deref())?;
    if flags.register {
        register(&client, flags).await?;
    }
    let every = Duration::from_secs(flags.every);
    let doer = match &flags.jenkins.jenkins {
        Some(url) => Doer::Jenkins(Arc::new(Jenkins::of(url, &flags.jenkins, every)?)),
        None => Doer::Command(flags.command.clone().into()),
    };
    let left = match doer {
        Doer::Jenkins(_) => place.left()?,
        Doer::Command(_) => {
            place.clear(&client).await?;
            Vec::new()
        }
    };
    let what = format!("{}/{}/{}", flags.category, flags.provider, flags.type_version);
    eprintln!("working for {what}, {} at once", flags.jobs);
    let mut worker = Worker { client, flags, doer, place, interrupts, running: JoinSet::new() };
    for job in left {
        eprintln!("[{}] was begun by a worker that is gone", text(&job, "/id"));
        worker.begin(job);
    }
    worker.work().await?;
    if !worker.running.is_empty() {
        eprintln!("waiting for {} that run; once more to end them", worker.running.len());
    }
    while worker.running.join_next().await.is_some() {}
    Ok(())
}

struct Worker<'a> {
    client: Arc<Client>,
    flags: &'a Flags,
    doer: Doer,
    place: Place,
    interrupts: Interrupts,
    running: JoinSet<()>,
}

impl Worker<'_> {
    async fn work(&mut self) -> Result<(), CliError> {
        let every = Duration::from_secs(self.flags.every);
        let mut pause = every;
        while !self.interrupts.any() {
            let free = (self.flags.jobs as usize).saturating_sub(self.running.len());
            let taken = if free == 0 { Ok(Vec::new()) } else { self.poll(free).await };
            match taken {
                Ok(jobs) => {
                    pause = every;
                    let some = !jobs.is_empty();
                    for job in jobs {
                        self.begin(job);
                    }
                    if some {
                        continue;
                    }
                    if free > 0 && self.running.is_empty() && self.flags.until_idle {
                        return Ok(());
                    }
                }
                Err(Trouble::Refused(e)) => return Err(e),
                Err(Trouble::Away(e)) => {
                    eprintln!("{e}; trying again");
                    pause = (pause * 2).min(MAX_PAUSE);
                }
            }
            let interrupts = self.interrupts.clone();
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = interrupts.reach(1) => {}
                Some(_) = self.running.join_next() => {}
            }
        }
        Ok(())
    }

    fn begin(&mut self, job: Value) {
        let dir = match dir_of(self.place.path(), &job) {
            Ok(dir) => dir,
            Err(e) => return eprintln!("{e}"),
        };
        let (client, interrupts) = (self.client.clone(), self.interrupts.clone());
        let work = Work { client, doer: self.doer.clone(), job, dir, interrupts };
        self.running.spawn(work.done());
    }

    async fn poll(&self, free: usize) -> Result<Vec<Value>, Trouble> {
        let mut ask = json!({"actionTypeId": self.flags.action_type(), "maxBatchSize": free});
        if let Some((name, value)) = &self.flags.query {
            ask["queryParam"] = json!({ name.as_str(): value });
        }
        match self.client.ask("codepipeline", "PollForJobs", ask).await {
            Ok(Ok(answer)) => Ok(answer["jobs"].as_array().cloned().unwrap_or_default()),
            Ok(Err(refused)) if refused.is_final() => {
                let error = CliError::user(refused.to_string());
                Err(Trouble::Refused(match refused.code.as_str() {
                    "ActionTypeNotFoundException" => error.hint("--register makes the action type"),
                    _ if refused.message.contains("queryParam") => error.hint("say it with --query NAME=VALUE"),
                    _ => error,
                }))
            }
            Ok(Err(refused)) => Err(Trouble::Away(CliError::environment(refused.to_string()))),
            Err(e) => Err(Trouble::Away(e)),
        }
    }
}

/// Why there was no answer.
enum Trouble {
    /// The server does not want this worker.
    Refused(CliError),
    /// It is not there now.
    Away(CliError),
}
