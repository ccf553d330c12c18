//! `headworks pipeline watch`: a line for every change of an action, and on a terminal a last line that counts; or one
//! event a line, for programs.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Value, json};

use super::log::{Line, Logs};
use super::seen;
use crate::answers::{list, plain, text, time};
use crate::cli::{CliError, Output, say};
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
    /// How to print: json is one event a line
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

pub(super) async fn run(client: &Client, flags: &Flags) -> Result<ExitCode, CliError> {
    let id = seen::or_newest(client, &flags.pipeline, flags.execution.as_ref()).await?;
    follow(client, &flags.pipeline, &id, flags.logs, flags.output).await
}

/// Follows an execution to its end.
pub(super) async fn follow(
    client: &Client,
    pipeline: &str,
    id: &str,
    logs: bool,
    output: Output,
) -> Result<ExitCode, CliError> {
    let declared = client.call("codepipeline", "GetPipeline", json!({ "name": pipeline })).await?;
    let stages = list(&declared["pipeline"]["stages"]).to_vec();
    let tty = output == Output::Text && std::io::stderr().is_terminal();
    let logs = logs.then(|| Logs::of(client));
    let mut watch = Watch { output, logs, tty, stages, begun: Instant::now(), known: BTreeMap::new() };
    loop {
        // The status first: what the actions did until then is seen after it.
        let execution = seen::execution(client, pipeline, id).await?;
        let actions = seen::actions(client, pipeline, id).await?;
        watch.look(&actions).await?;
        let status = text(&execution["status"]);
        if !matches!(status.as_str(), "InProgress" | "Stopping") {
            watch.end(pipeline, &execution, &status);
            return Ok(ExitCode::from(u8::from(status != "Succeeded")));
        }
        watch.count(&actions);
        tokio::time::sleep(PAUSE).await;
    }
}

struct Watch<'a> {
    output: Output,
    logs: Option<Logs<'a>>,
    tty: bool,
    /// As the pipeline declares them.
    stages: Vec<Value>,
    begun: Instant,
    /// The last status of each action execution.
    known: BTreeMap<String, String>,
}

impl Watch<'_> {
    async fn look(&mut self, actions: &[Value]) -> Result<(), CliError> {
        for action in actions {
            let (id, status) = (text(&action["actionExecutionId"]), text(&action["status"]));
            let changed = self.known.get(&id) != Some(&status);
            let build = action["output"]["executionResult"]["externalExecutionId"].as_str().filter(|b| b.contains(':'));
            if let (Some(logs), Some(build)) = (&mut self.logs, build)
                && (changed || status == "InProgress")
            {
                let lines = logs.news(build).await?;
                self.log(action, &lines);
            }
            if changed {
                self.clear();
                match self.output {
                    Output::Text => say(line(action, &status)),
                    Output::Json => say(told(action)),
                }
                self.known.insert(id, status);
            }
        }
        Ok(())
    }

    fn log(&self, action: &Value, lines: &[Line]) {
        for line in lines {
            self.clear();
            match self.output {
                Output::Text => say(format_args!("    | {}", line.message.replace(char::is_control, " "))),
                Output::Json => say(json!({
                    "type": "log", "action": named(action), "timestamp": line.timestamp, "message": line.message,
                })),
            }
        }
    }

    fn end(&self, pipeline: &str, execution: &Value, status: &str) {
        self.clear();
        if self.output == Output::Json {
            let id = &execution["pipelineExecutionId"];
            let summary = &execution["statusSummary"];
            return say(json!({
                "type": "pipeline", "pipelineName": pipeline, "pipelineExecutionId": id, "status": status,
                "statusSummary": summary,
            }));
        }
        let why = plain(&execution["statusSummary"]);
        say(format_args!("{status}{}{why}", if why.is_empty() { "" } else { ": " }));
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

/// What `headworks run --output json` says of an action as well.
fn told(action: &Value) -> Value {
    let result = &action["output"]["executionResult"];
    let error = text(&result["errorDetails"]["message"]);
    let detail = if error.is_empty() { text(&result["externalExecutionSummary"]) } else { error };
    json!({ "type": "action", "action": named(action), "status": action["status"], "detail": detail })
}

fn named(action: &Value) -> String {
    format!("{}/{}", text(&action["stageName"]), text(&action["actionName"]))
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
