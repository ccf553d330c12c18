//! One job as a build of Jenkins: asked for once, followed to its end.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::header;
use serde_json::Value;

use super::project::{MARK, Project, path};
use super::server::{Jenkins, Trouble};
use super::settle::{PROJECT, outcome, parameters, refusal};
use super::stage::Stage;
use crate::worker::job::text;
use crate::worker::result::Outcome;

/// The longest pause while Jenkins does not answer.
const MAX_PAUSE: Duration = Duration::from_secs(15);
/// How long a build is tried to be stopped.
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// A job on its way through Jenkins.
pub(in crate::worker) struct Run<'a> {
    jenkins: &'a Jenkins,
    job: &'a Value,
    folder: PathBuf,
    stage: Mutex<Stage>,
}

/// Where a build was found.
enum Found {
    Queued(u64),
    Building(u64),
}

impl<'a> Run<'a> {
    /// Goes on where the folder says.
    pub(in crate::worker) fn of(jenkins: &'a Jenkins, job: &'a Value, folder: PathBuf) -> Self {
        let stage = Mutex::new(Stage::read(&folder));
        Run { jenkins, job, folder, stage }
    }

    /// Has the build done, and says how it ended.
    pub(in crate::worker) async fn done(&self) -> Outcome {
        match self.follow().await {
            Ok(outcome) => outcome,
            Err(why) => match self.stage() {
                Stage::Building(number) => Outcome::failed_as(why, number.to_string()),
                Stage::New | Stage::Asked | Stage::Queued(_) => Outcome::failed(why),
            },
        }
    }

    /// Ends the build, or takes it out of the queue. Says so when it cannot.
    pub(in crate::worker) async fn stop(&self) {
        let id = text(self.job, "/id");
        match tokio::time::timeout(STOP_LIMIT, self.stopped()).await {
            Ok(Ok(())) => {}
            Ok(Err(Trouble::Refused(why) | Trouble::Away(why))) => {
                eprintln!("[{id}] the build cannot be stopped: {why}");
            }
            Err(_) => eprintln!("[{id}] the build cannot be stopped: Jenkins does not answer"),
        }
    }

    fn stage(&self) -> Stage {
        *self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reach(&self, stage: Stage) -> Result<(), String> {
        stage.write(&self.folder).map_err(|e| format!("The worker cannot write into its folder: {e}"))?;
        *self.stage.lock().unwrap_or_else(PoisonError::into_inner) = stage;
        Ok(())
    }

    fn name(&self) -> String {
        text(self.job, &format!("/data/actionConfiguration/configuration/{PROJECT}"))
    }

    async fn follow(&self) -> Result<Outcome, String> {
        if let Some(why) = refusal(self.job) {
            return Ok(Outcome::failed(why));
        }
        loop {
            match self.stage() {
                Stage::New => self.begin().await?,
                Stage::Asked => self.look_for_it().await?,
                Stage::Queued(number) => self.wait_in_queue(number).await?,
                Stage::Building(number) => return self.wait_for_end(number).await,
            }
        }
    }

    async fn begin(&self) -> Result<(), String> {
        let name = self.name();
        let project = self.patiently(|| Project::find(self.jenkins, &name)).await?;
        let parameters = parameters(self.job, &project.parameters)?;
        self.reach(Stage::Asked)?;
        let how = if project.parameters.is_empty() { "build" } else { "buildWithParameters" };
        let asked = self.jenkins.post(&format!("{}/{how}", project.path), &parameters).await;
        match asked {
            Ok(answer) => {
                let place = answer.headers.get(header::LOCATION).and_then(|value| value.to_str().ok());
                match place.and_then(queue_number) {
                    Some(number) => self.reach(Stage::Queued(number)),
                    None => Err("Jenkins did not say where the build waits.".to_owned()),
                }
            }
            Err(Trouble::Refused(why)) => Err(why),
            // It may have begun nevertheless.
            Err(Trouble::Away(why)) => {
                eprintln!("[{}] {why}", text(self.job, "/id"));
                Ok(())
            }
        }
    }

    /// After a request whose answer nobody knows.
    async fn look_for_it(&self) -> Result<(), String> {
        let name = self.name();
        let project = self.patiently(|| Project::find(self.jenkins, &name)).await?;
        if !project.is_marked() {
            return Err(format!(
                "It is not known whether Jenkins began a build of '{name}': the answer was lost. If the Jenkins job \
                 declares the parameter {MARK}, the worker finds such a build."
            ));
        }
        // What leaves the queue between two looks is found by the next.
        for look in 0..3 {
            if look > 0 {
                tokio::time::sleep(self.jenkins.every).await;
            }
            match self.patiently(|| self.find(&project)).await? {
                Some(Found::Queued(number)) => return self.reach(Stage::Queued(number)),
                Some(Found::Building(number)) => return self.reach(Stage::Building(number)),
                None => {}
            }
        }
        self.reach(Stage::New)
    }

    /// The build of this job.
    async fn find(&self, project: &Project) -> Result<Option<Found>, Trouble> {
        let queue = self.jenkins.get("queue", "items[id,actions[parameters[name,value]]]").await?.unwrap_or_default();
        if let Some(number) = self.marked(&queue["items"], "id") {
            return Ok(Some(Found::Queued(number)));
        }
        let tree = "builds[number,actions[parameters[name,value]]]{0,100}";
        let builds = self.jenkins.get(&project.path, tree).await?.unwrap_or_default();
        Ok(self.marked(&builds["builds"], "number").map(Found::Building))
    }

    fn marked(&self, things: &Value, number: &str) -> Option<u64> {
        let id = text(self.job, "/id");
        let ours = |thing: &&Value| {
            let actions = thing["actions"].as_array().into_iter().flatten();
            let mut parameters = actions.flat_map(|a| a["parameters"].as_array().into_iter().flatten());
            parameters.any(|p| p["name"] == MARK && p["value"] == id.as_str())
        };
        things.as_array()?.iter().find(ours)?[number].as_u64()
    }

    async fn wait_in_queue(&self, number: u64) -> Result<(), String> {
        let path = format!("queue/item/{number}");
        loop {
            let item = self.patiently(|| self.jenkins.get(&path, "cancelled,executable[number]")).await?;
            let Some(item) = item else {
                return self.look_for_what_left_the_queue(number).await;
            };
            if item["cancelled"] == Value::Bool(true) {
                return Err(format!("The build of the Jenkins job '{}' was taken out of the queue.", self.name()));
            }
            if let Some(number) = item["executable"]["number"].as_u64() {
                return self.reach(Stage::Building(number));
            }
            tokio::time::sleep(self.jenkins.every).await;
        }
    }

    /// Jenkins forgets what has left its queue after some minutes. Asking again could begin a second build.
    async fn look_for_what_left_the_queue(&self, number: u64) -> Result<(), String> {
        let name = self.name();
        let project = self.patiently(|| Project::find(self.jenkins, &name)).await?;
        let found = match project.is_marked() {
            true => self.patiently(|| self.find(&project)).await?,
            false => None,
        };
        match found {
            Some(Found::Building(number)) => self.reach(Stage::Building(number)),
            Some(Found::Queued(_)) | None => Err(format!(
                "Jenkins has forgotten what became of number {number} of its queue, a build of '{name}'. If the Jenkins \
                 job declares the parameter {MARK}, the worker finds such a build."
            )),
        }
    }

    async fn wait_for_end(&self, number: u64) -> Result<Outcome, String> {
        let name = self.name();
        let path = format!("{}/{number}", path(&name)?);
        loop {
            let build = self.patiently(|| self.jenkins.get(&path, "building,result")).await?;
            let Some(build) = build else {
                return Err(format!("Build {number} of the Jenkins job '{name}' is gone."));
            };
            if let (Some(result), false) = (build["result"].as_str(), build["building"] == Value::Bool(true)) {
                return Ok(outcome(&name, number, result, &self.jenkins.url(&format!("{path}/"))));
            }
            tokio::time::sleep(self.jenkins.every).await;
        }
    }

    async fn stopped(&self) -> Result<(), Trouble> {
        let mut stage = self.stage();
        if stage == Stage::Asked {
            let project = Project::find(self.jenkins, &self.name()).await?;
            match self.find(&project).await? {
                Some(Found::Queued(number)) => stage = Stage::Queued(number),
                Some(Found::Building(number)) => stage = Stage::Building(number),
                None => {}
            }
        }
        if let Stage::Queued(number) = stage {
            self.jenkins.post(&format!("queue/cancelItem?id={number}"), &[]).await?;
            let item = self.jenkins.get(&format!("queue/item/{number}"), "executable[number]").await?;
            // It had left the queue before.
            if let Some(number) = item.and_then(|item| item["executable"]["number"].as_u64()) {
                stage = Stage::Building(number);
            }
        }
        if let Stage::Building(number) = stage {
            let path = path(&self.name()).map_err(Trouble::Refused)?;
            self.jenkins.post(&format!("{path}/{number}/stop"), &[]).await?;
        }
        Ok(())
    }

    /// Asks until there is an answer. The pipeline's own limit ends it at the latest.
    async fn patiently<T, F>(&self, ask: impl Fn() -> F) -> Result<T, String>
    where
        F: Future<Output = Result<T, Trouble>>,
    {
        let mut pause = self.jenkins.every;
        loop {
            match ask().await {
                Ok(answer) => return Ok(answer),
                Err(Trouble::Refused(why)) => return Err(why),
                Err(Trouble::Away(why)) => eprintln!("[{}] {why}; trying again", text(self.job, "/id")),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }
}

/// The number in `https://jenkins.example/queue/item/12/`, whatever name Jenkins has for itself.
pub(super) fn queue_number(location: &str) -> Option<u64> {
    let (_, rest) = location.rsplit_once("/queue/item/")?;
    rest.trim_end_matches('/').parse().ok()
}
