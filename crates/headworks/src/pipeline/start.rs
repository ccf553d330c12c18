//! `headworks pipeline start`.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::watch;
use crate::answers::text;
use crate::cli::{CliError, Output, say};
use crate::client::Client;

#[derive(Args)]
pub struct Flags {
    pipeline: String,
    /// A pipeline variable's value for this execution; may be given several times
    #[arg(long = "variable", value_name = "NAME=VALUE")]
    variables: Vec<String>,
    /// The revision that a source action is to use, such as Source=COMMIT_ID:8cf40f2...; may be given several times
    #[arg(long = "revision", value_name = "ACTION=TYPE:VALUE")]
    revisions: Vec<String>,
    /// Follow it to its end
    #[arg(short, long)]
    watch: bool,
    /// With --watch: print the logs of builds as well
    #[arg(long, requires = "watch")]
    logs: bool,
    /// How to print: json is one object a line
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

pub(super) async fn run(client: &Client, flags: &Flags) -> Result<ExitCode, CliError> {
    let answer = client.call("codepipeline", "StartPipelineExecution", request(flags)?).await?;
    let id = text(&answer["pipelineExecutionId"]);
    match flags.output {
        Output::Text => say(&id),
        Output::Json => say(json!({ "pipelineName": flags.pipeline, "pipelineExecutionId": id })),
    }
    match flags.watch {
        true => watch::follow(client, &flags.pipeline, &id, flags.logs, flags.output).await,
        false => Ok(ExitCode::SUCCESS),
    }
}

fn request(flags: &Flags) -> Result<Value, CliError> {
    let mut ask = json!({ "name": flags.pipeline });
    if !flags.variables.is_empty() {
        let variables: Result<Vec<Value>, CliError> = flags.variables.iter().map(|v| variable(v)).collect();
        ask["variables"] = json!(variables?);
    }
    if !flags.revisions.is_empty() {
        let revisions: Result<Vec<Value>, CliError> = flags.revisions.iter().map(|r| revision(r)).collect();
        ask["sourceRevisions"] = json!(revisions?);
    }
    Ok(ask)
}

fn variable(given: &str) -> Result<Value, CliError> {
    let (name, value) =
        given.split_once('=').ok_or_else(|| CliError::user(format!("--variable {given} is not NAME=VALUE")))?;
    Ok(json!({ "name": name, "value": value }))
}

fn revision(given: &str) -> Result<Value, CliError> {
    let parts = given.split_once('=').and_then(|(action, rest)| Some((action, rest.split_once(':')?)));
    let (action, (kind, value)) = parts.ok_or_else(|| {
        CliError::user(format!("--revision {given} is not ACTION=TYPE:VALUE"))
            .hint("types are COMMIT_ID, IMAGE_DIGEST, S3_OBJECT_VERSION_ID and S3_OBJECT_KEY")
    })?;
    Ok(json!({ "actionName": action, "revisionType": kind, "revisionValue": value }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_becomes_the_request() {
        assert_eq!(variable("a=b=c").unwrap(), json!({"name": "a", "value": "b=c"}));
        assert!(variable("a").is_err());
        let expected = json!({"actionName": "S", "revisionType": "S3_OBJECT_KEY", "revisionValue": "a:b=c"});
        assert_eq!(revision("S=S3_OBJECT_KEY:a:b=c").unwrap(), expected);
        assert!(revision("S=8cf40f2").is_err());
    }
}
