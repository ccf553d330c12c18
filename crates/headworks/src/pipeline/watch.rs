//! `headworks pipeline watch`: a line for every change of a stage or action, and on a terminal a last line that counts.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Value, json};

use super::seen;
use crate::answers::{list, plain, text, time};
use crate::cli::{CliError, say};
use crate::client::Client;

/// How often the server is asked.
const PAUSE: Duration = Duration::from_millis(250);

#[derive(Args)]
pub struct Flags {
    pipeline: String,
    /// The execution's id [default: the newest]
    execution: Option<String>,
    /// Print the logs of builds as well
    #[arg(long)]
    logs: bool,
}

pub(super) async fn run(client: &Client, flags: &Flags) -> Result<ExitCode, CliError> {
    let id = seen::or_newest(client, &flags.pipeline, flags.execution.as_ref()).await?;
    follow(client, &flags.pipeline, &id, flags.logs).await
}

/// Follows an execution to its end.
pub(super) async fn follow(client: &Client, pipeline: &str, id: &str, logs: bool) -> Result<ExitCode, CliError> {
    let declared = client.call("codepipeline", "GetPipeline", json!({ "name": pipeline })).await?;
    let stages = list(&declared["pipeline"]["stages"]).to_vec();
    let begun = Instant::now();
    let tty = std::io::stderr().is_terminal();
    let mut watch = Watch { client, logs, tty, stages, begun, known: BTreeMap::new(), read: BTreeMap::new() };
    loop {
        // The status first: what the actions did until then is seen after it.
        let execution = seen::execution(client, pipeline, id).await?;
        let actions = seen::actions(client, pipeline, id).await?;
        watch.look(&actions).await?;
        let status = text(&execution["status"]);
        if !matches!(status.as_str(), "InProgress" | "Stopping") {
            watch.clear();
            let why = plain(&execution["statusSummary"]);
            say(format_args!("{status}{}{why}", if why.is_empty() { "" } else { ": " }));
            return Ok(ExitCode::from(u8::from(status != "Succeeded")));
        }
        watch.count(&actions);
        tokio::time::sleep(PAUSE).await;
    }
}

struct Watch<'a> {
    client: &'a Client,
    logs: bool,
    tty: bool,
    /// As the pipeline declares them.
    stages: Vec<Value>,
    begun: Instant,
    /// The last status of each action execution.
    known: BTreeMap<String, String>,
    /// How far the log of each build was read.
    read: BTreeMap<String, Option<String>>,
}

impl Watch<'_> {
    async fn look(&mut self, actions: &[Value]) -> Result<(), CliError> {
        for action in actions {
            let (id, status) = (text(&action["actionExecutionId"]), text(&action["status"]));
            let result = &action["output"]["executionResult"];
            let ended = status != "InProgress";
            let build = result["externalExecutionId"].as_str().filter(|b| b.contains(':'));
            let build = build.filter(|_| self.logs && (!ended || self.known.get(&id) != Some(&status)));
            if let Some(build) = build {
                self.log(build).await?;
            }
            if self.known.get(&id) == Some(&status) {
                continue;
            }
            self.clear();
            say(line(action, &status));
            self.known.insert(id, status);
        }
        Ok(())
    }

    /// Prints what is new in a build's log.
    async fn log(&mut self, build: &str) -> Result<(), CliError> {
        let Some((project, stream)) = build.split_once(':') else { return Ok(()) };
        let group = format!("/aws/codebuild/{project}");
        let mut ask = json!({ "logGroupName": group, "logStreamName": stream, "startFromHead": true });
        if let Some(Some(token)) = self.read.get(build) {
            ask["nextToken"] = json!(token);
        }
        loop {
            let page = match self.client.call("logs", "GetLogEvents", ask.clone()).await {
                Ok(page) => page,
                // The stream appears with the first line.
                Err(e) if e.to_string().contains("ResourceNotFoundException") => return Ok(()),
                Err(e) => {
                    self.clear();
                    eprintln!("warning: the log of {build} cannot be read: {e}");
                    self.logs = false;
                    return Ok(());
                }
            };
            for event in list(&page["events"]) {
                self.clear();
                say(format_args!("    | {}", plain(&event["message"])));
            }
            let next = page["nextForwardToken"].as_str().map(str::to_owned);
            self.read.insert(build.to_owned(), next.clone());
            if next.as_deref() == ask["nextToken"].as_str() || list(&page["events"]).is_empty() {
                return Ok(());
            }
            ask["nextToken"] = json!(next);
        }
    }

    fn count(&self, actions: &[Value]) {
        if !self.tty {
            return;
        }
        let running: Vec<String> = actions
            .iter()
            .filter(|a| text(&a["status"]) == "InProgress")
            .map(|a| format!("{}/{}", plain(&a["stageName"]), plain(&a["actionName"])))
            .collect();
        let done = actions.iter().filter(|a| text(&a["status"]) == "Succeeded").count();
        let what = if running.is_empty() { "waiting".to_owned() } else { running.join(", ") };
        let all = self.all(actions);
        let line = format!("{done} of {all} actions, {:.0} s: {what}", self.begun.elapsed().as_secs_f64());
        let line: String = line.chars().take(100).collect();
        eprint!("\r\x1b[K{line}");
        let _ = std::io::stderr().flush();
    }

    /// How many action executions there will be, as far as is known: a matrix has told its runs when they have begun.
    fn all(&self, actions: &[Value]) -> usize {
        let declared = self.stages.iter().flat_map(|s| list(&s["actions"]).iter().map(move |a| (&s["name"], a)));
        let of = |(stage, action): (&Value, &Value)| {
            let is_run = |a: &&Value| a["stageName"] == *stage && seen::is_run(action, &text(&a["actionName"]));
            let names: BTreeSet<String> = actions.iter().filter(is_run).map(|a| text(&a["actionName"])).collect();
            let reader = actions.iter().any(|a| a["stageName"] == *stage && a["actionName"] == action["name"]);
            if names.is_empty() { 1 } else { names.len() + usize::from(reader) }
        };
        declared.map(of).sum()
    }

    fn clear(&self) {
        if self.tty {
            eprint!("\r\x1b[K");
        }
    }
}

fn line(action: &Value, status: &str) -> String {
    let result = &action["output"]["executionResult"];
    let error = plain(&result["errorDetails"]["message"]);
    let more = if error.is_empty() { plain(&result["externalExecutionSummary"]) } else { error };
    let took = match (time(&action["startTime"]), time(&action["lastUpdateTime"])) {
        (Some(start), Some(end)) if status != "InProgress" => format!(" in {:.1} s", end.since(start).as_secs_f64()),
        _ => String::new(),
    };
    let (stage, name) = (plain(&action["stageName"]), plain(&action["actionName"]));
    format!("{stage}/{name}: {status}{took}{}{more}", if more.is_empty() { "" } else { "  " })
}
