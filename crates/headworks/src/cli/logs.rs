//! `headworks logs`: the newest lines of builds, or of any log group; `-f` goes on as they come.

use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::CliError;
use super::output::{Output, say};
use crate::answers::{list, text};
use crate::client::Client;
use crate::config::Config;

/// How often the server is asked for more.
const PAUSE: Duration = Duration::from_millis(200);

#[derive(Args)]
pub struct Flags {
    /// A build project, or a log group (with a slash) [default: every build project]
    of: Option<String>,
    /// Keep printing what comes
    #[arg(short, long)]
    follow: bool,
    /// How to print: json is one event a line
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

/// Prints log events, oldest first.
pub fn run(config: &Config, flags: &Flags) -> Result<(), CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(CliError::environment)?;
    runtime.block_on(show(config, flags))
}

async fn show(config: &Config, flags: &Flags) -> Result<(), CliError> {
    let client = Client::of_data_dir(config)?;
    let mut since = 0_i64;
    let mut printed: Vec<String> = Vec::new();
    loop {
        for group in groups(&client, flags).await? {
            let mut token = None;
            loop {
                let mut ask = json!({ "logGroupName": group, "startTime": since, "interleaved": true });
                if let Some(token) = token {
                    ask["nextToken"] = json!(token);
                }
                let page = client.call("logs", "FilterLogEvents", ask).await?;
                for event in list(&page["events"]) {
                    let id = text(&event["eventId"]);
                    if printed.contains(&id) {
                        continue;
                    }
                    print(&group, event, flags);
                    since = since.max(client.millis(&event["timestamp"]));
                    printed.push(id);
                }
                token = page["nextToken"].as_str().map(str::to_owned);
                if token.is_none() {
                    break;
                }
            }
        }
        if !flags.follow {
            return Ok(());
        }
        // Events of the newest millisecond are asked for again, so only those have to be remembered.
        let keep = printed.len().saturating_sub(10_000);
        printed.drain(..keep);
        tokio::time::sleep(PAUSE).await;
    }
}

async fn groups(client: &Client, flags: &Flags) -> Result<Vec<String>, CliError> {
    match &flags.of {
        Some(group) if group.contains('/') => Ok(vec![group.clone()]),
        Some(project) => Ok(vec![format!("/aws/codebuild/{project}")]),
        None => {
            let prefix = json!({ "logGroupNamePrefix": "/aws/codebuild/" });
            let page = client.call("logs", "DescribeLogGroups", prefix).await?;
            Ok(list(&page["logGroups"]).iter().map(|g| text(&g["logGroupName"])).collect())
        }
    }
}

fn print(group: &str, event: &serde_json::Value, flags: &Flags) {
    let (stream, message) = (text(&event["logStreamName"]), text(&event["message"]));
    if flags.output == Output::Json {
        say(
            json!({ "logGroupName": group, "logStreamName": stream, "timestamp": event["timestamp"], "message": message }),
        );
    } else {
        let short: String = stream.chars().take(8).collect();
        let name = group.trim_start_matches("/aws/codebuild/");
        say(format_args!("{name}:{short} {}", message.trim_end_matches('\n')));
    }
}
