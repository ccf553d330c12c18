//! Following an execution: every change of a stage or action, and the build's log as it grows.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::answers::{list, text};
use crate::cli::CliError;
use crate::client::Client;

/// How often the server is asked.
const PAUSE: Duration = Duration::from_millis(40);
/// The demo's build takes a second or two; this long means that something is stuck.
const LIMIT: Duration = Duration::from_secs(180);

/// An action as it was seen last.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    pub stage: String,
    pub action: String,
    pub status: String,
    /// From the first sight of the action to its end.
    pub took: Option<Duration>,
    begun: Instant,
}

/// What is known of one execution of one pipeline.
pub struct Watch<'a> {
    client: &'a Client,
    pipeline: String,
    execution: String,
    begun: Instant,
    pub seen: Vec<Seen>,
    log_tokens: BTreeMap<String, Option<String>>,
}

/// Where the execution stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Standing {
    /// An approval waits: stage, action, token.
    Approval { stage: String, action: String, token: String },
    /// It is over, with this status.
    Over(String),
}

impl<'a> Watch<'a> {
    /// Watches `execution` of `pipeline`.
    pub fn new(client: &'a Client, pipeline: &str, execution: &str) -> Self {
        let (pipeline, execution) = (pipeline.to_owned(), execution.to_owned());
        Watch { client, pipeline, execution, begun: Instant::now(), seen: Vec::new(), log_tokens: BTreeMap::new() }
    }

    /// Prints what happens until an approval waits or the execution is over.
    pub async fn follow(&mut self) -> Result<Standing, CliError> {
        loop {
            let state = self.client.call("codepipeline", "GetPipelineState", json!({ "name": self.pipeline })).await?;
            let approval = self.look(&state).await?;
            if let Some(standing) = approval {
                return Ok(standing);
            }
            let names = json!({ "pipelineName": self.pipeline, "pipelineExecutionId": self.execution });
            let execution = self.client.call("codepipeline", "GetPipelineExecution", names).await?;
            let status = text(&execution["pipelineExecution"]["status"]);
            if status != "InProgress" {
                let state =
                    self.client.call("codepipeline", "GetPipelineState", json!({ "name": self.pipeline })).await?;
                self.look(&state).await?;
                return Ok(Standing::Over(status));
            }
            if self.begun.elapsed() > LIMIT {
                return Err(CliError::environment(format!("the execution is still {status} after {LIMIT:?}")));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Waits for the end without a word.
    pub async fn until_over_quietly(&self) -> Result<(), CliError> {
        let names = json!({ "pipelineName": self.pipeline, "pipelineExecutionId": self.execution });
        while self.begun.elapsed() < LIMIT {
            let execution = self.client.call("codepipeline", "GetPipelineExecution", names.clone()).await?;
            if text(&execution["pipelineExecution"]["status"]) != "InProgress" {
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(CliError::environment(format!("the execution is not over after {LIMIT:?}")))
    }

    async fn look(&mut self, state: &Value) -> Result<Option<Standing>, CliError> {
        let mut approval = None;
        for stage in list(&state["stageStates"]) {
            if text(&stage["latestExecution"]["pipelineExecutionId"]) != self.execution {
                continue;
            }
            for action in list(&stage["actionStates"]) {
                let latest = &action["latestExecution"];
                if latest.is_null() {
                    continue;
                }
                let (stage_name, action_name) = (text(&stage["stageName"]), text(&action["actionName"]));
                self.note(&stage_name, &action_name, latest);
                if let Some(build) = latest["externalExecutionId"].as_str().filter(|id| id.contains(':')) {
                    self.log(build).await?;
                }
                if let (Some(token), "InProgress") = (latest["token"].as_str(), text(&latest["status"]).as_str()) {
                    let token = token.to_owned();
                    approval = Some(Standing::Approval { stage: stage_name, action: action_name, token });
                }
            }
        }
        Ok(approval)
    }

    fn note(&mut self, stage: &str, action: &str, latest: &Value) {
        let status = text(&latest["status"]);
        let at = self.begun.elapsed().as_secs_f64();
        let index = self.seen.iter().position(|s| s.stage == stage && s.action == action);
        let index = index.unwrap_or_else(|| {
            let (stage, action) = (stage.to_owned(), action.to_owned());
            self.seen.push(Seen { stage, action, status: String::new(), took: None, begun: Instant::now() });
            self.seen.len() - 1
        });
        let Some(seen) = self.seen.get_mut(index) else { return };
        if seen.status == status {
            return;
        }
        seen.status.clone_from(&status);
        if status != "InProgress" {
            seen.took = Some(seen.begun.elapsed());
        }
        let more = [&latest["summary"], &latest["errorDetails"]["message"]];
        let more = more.iter().filter_map(|v| v.as_str()).collect::<Vec<_>>().join(" ");
        eprintln!("{at:7.3} s  {stage}/{action}: {status}  {more}");
    }

    /// Prints what is new in a build's log.
    async fn log(&mut self, build: &str) -> Result<(), CliError> {
        let Some((project, stream)) = build.split_once(':') else { return Ok(()) };
        let token = self.log_tokens.entry(build.to_owned()).or_default();
        let mut ask = json!({ "logGroupName": format!("/aws/codebuild/{project}"), "logStreamName": stream,
                              "startFromHead": true });
        if let Some(token) = token.as_ref() {
            ask["nextToken"] = json!(token);
        }
        // The stream appears with the first line.
        let Ok(page) = self.client.call("logs", "GetLogEvents", ask).await else { return Ok(()) };
        for event in list(&page["events"]) {
            println!("           | {}", text(&event["message"]).trim_end());
        }
        *token = page["nextForwardToken"].as_str().map(str::to_owned);
        Ok(())
    }
}
