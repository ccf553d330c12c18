//! `headworks pipeline history`.

use std::process::ExitCode;

use clap::Args;
use serde_json::Value;

use super::seen;
use crate::answers::{list, plain, time};
use crate::cli::{CliError, Output, say};
use crate::client::Client;

#[derive(Args)]
pub struct Flags {
    pipeline: String,
    /// How many
    #[arg(short = 'n', long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// How to print: json is one execution a line
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

pub(super) async fn run(client: &Client, flags: &Flags) -> Result<ExitCode, CliError> {
    let limit = usize::try_from(flags.limit).unwrap_or(usize::MAX);
    let executions = seen::executions(client, &flags.pipeline, limit).await?;
    match flags.output {
        Output::Json => executions.iter().for_each(say),
        Output::Text => say(table(&executions)),
    }
    Ok(ExitCode::SUCCESS)
}

fn table(executions: &[Value]) -> String {
    let mut table = comfy_table::Table::new();
    let header = ["EXECUTION", "STATUS", "STARTED", "TOOK", "TRIGGER", "REVISIONS"];
    table.load_style(comfy_table::presets::NOTHING).set_header(header);
    for execution in executions {
        let (start, end) = (time(&execution["startTime"]), time(&execution["lastUpdateTime"]));
        let started = start.map(|t| t.format("%Y-%m-%d %H:%M:%S")).unwrap_or_default();
        let took = match (start, end, execution["status"].as_str()) {
            (_, _, Some("InProgress" | "Stopping")) => String::new(),
            (Some(start), Some(end), _) => format!("{:.1} s", end.since(start).as_secs_f64()),
            _ => String::new(),
        };
        let revision = |r: &Value| {
            let id: String = plain(&r["revisionId"]).chars().take(8).collect();
            format!("{}={id}", plain(&r["actionName"]))
        };
        let revisions: Vec<String> = list(&execution["sourceRevisions"]).iter().map(revision).collect();
        let trigger = plain(&execution["trigger"]["triggerType"]);
        let (id, status) = (plain(&execution["pipelineExecutionId"]), plain(&execution["status"]));
        table.add_row([id, status, started, took, trigger, revisions.join(" ")]);
    }
    table.to_string()
}
