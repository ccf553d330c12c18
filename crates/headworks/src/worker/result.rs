//! What came of a job, from the command's files to the server.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::folder::{RESULT, VARIABLES};
use crate::client::Client;

/// What the model lets a message be.
const MAX_MESSAGE: usize = 5000;
/// What the command may write into one of its files.
const MAX_FILE: u64 = 1 << 20;

/// How a job ended.
#[derive(Debug, PartialEq)]
pub(super) enum Outcome {
    /// The members of PutJobSuccessResult beside the job's id.
    Succeeded(Value),
    /// Why, and the id that the work has elsewhere.
    Failed { message: String, external: Option<String> },
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Succeeded(more) if more.get("continuationToken").is_some() => f.write_str("will go on"),
            Outcome::Succeeded(_) => f.write_str("succeeded"),
            Outcome::Failed { message, .. } => write!(f, "failed: {}", message.lines().next().unwrap_or_default()),
        }
    }
}

impl Outcome {
    pub(super) fn failed(message: String) -> Self {
        let cut: String = message.chars().take(MAX_MESSAGE).collect();
        let message = if cut.is_empty() { "The job has failed.".to_owned() } else { cut };
        Outcome::Failed { message, external: None }
    }

    /// The same of work that has an id elsewhere.
    pub(super) fn failed_as(message: String, id: String) -> Self {
        match Outcome::failed(message) {
            Outcome::Failed { message, .. } => Outcome::Failed { message, external: Some(id) },
            succeeded @ Outcome::Succeeded(_) => succeeded,
        }
    }

    /// Whether the action is over, and well.
    pub(super) fn is_final_success(&self) -> bool {
        matches!(self, Outcome::Succeeded(more) if more.get("continuationToken").is_none())
    }
}

/// A failure's words: how the command ended, and the last that it printed.
pub(super) fn message(how: &str, tail: &str) -> String {
    if tail.is_empty() {
        format!("The command ended with {how}.")
    } else {
        format!("The command ended with {how}:\n{tail}")
    }
}

/// Reads what a successful command has said of its work.
pub(super) fn of(dir: &Path) -> Result<Outcome, String> {
    let mut more = match read(&dir.join(RESULT))? {
        None => json!({}),
        Some(text) => serde_json::from_str(&text).map_err(|e| format!("The command's {RESULT} is not JSON: {e}"))?,
    };
    const MEMBERS: [&str; 4] = ["continuationToken", "currentRevision", "executionDetails", "outputVariables"];
    let members = more.as_object_mut().ok_or_else(|| format!("The command's {RESULT} is not an object."))?;
    if let Some(other) = members.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
        return Err(format!("The command's {RESULT} has '{other}', which is none of {}.", MEMBERS.join(", ")));
    }
    let said = variables(&read(&dir.join(VARIABLES))?.unwrap_or_default())?;
    if !said.is_empty() {
        let known = members.entry("outputVariables").or_insert_with(|| json!({}));
        let known = known.as_object_mut().ok_or("The command's outputVariables are not an object.")?;
        known.extend(said.into_iter().map(|(name, value)| (name, Value::String(value))));
    }
    Ok(Outcome::Succeeded(more))
}

fn read(file: &Path) -> Result<Option<String>, String> {
    let name = file.file_name().unwrap_or_default().display();
    // Only what is a file of this folder: a link could show what is not the job's.
    match std::fs::symlink_metadata(file) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(format!("The command's file {name} cannot be read: {e}")),
        Ok(meta) if !meta.is_file() => return Err(format!("The command's {name} is not a file.")),
        Ok(meta) if meta.len() > MAX_FILE => {
            return Err(format!("The command's file {name} is larger than {MAX_FILE} bytes."));
        }
        Ok(_) => {}
    }
    std::fs::read_to_string(file).map(Some).map_err(|e| format!("The command's file {name} cannot be read: {e}"))
}

/// The lines `NAME=VALUE`; empty ones and those that begin with `#` say nothing.
fn variables(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut variables = BTreeMap::new();
    for line in text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        let (name, value) =
            line.split_once('=').ok_or_else(|| format!("The line '{line}' of the command's variables has no '='."))?;
        let good = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'@' | b'-' | b'_');
        if name.is_empty() || !name.bytes().all(good) {
            return Err(format!("'{name}' cannot be the name of an output variable."));
        }
        variables.insert(name.to_owned(), value.to_owned());
    }
    Ok(variables)
}

/// Tells the server until it has answered.
pub(super) async fn report(client: &Client, job: &str, outcome: Outcome) {
    let (operation, input) = match outcome {
        Outcome::Succeeded(mut more) => {
            if let Some(more) = more.as_object_mut() {
                more.insert("jobId".to_owned(), json!(job));
            }
            ("PutJobSuccessResult", more)
        }
        Outcome::Failed { message, external } => {
            let mut details = json!({"type": "JobFailed", "message": message});
            if let Some(id) = external {
                details["externalExecutionId"] = json!(id);
            }
            ("PutJobFailureResult", json!({"jobId": job, "failureDetails": details}))
        }
    };
    let mut pause = Duration::from_millis(200);
    loop {
        match client.ask("codepipeline", operation, input.clone()).await {
            Ok(Ok(_)) => return,
            Ok(Err(refused)) if refused.is_final() => {
                // The first answer may have been lost; then this one says that the job is over.
                eprintln!("[{job}] {refused}");
                if operation == "PutJobSuccessResult" && refused.code == "ValidationException" {
                    let message = format!("The worker's result was refused: {refused}");
                    Box::pin(report(client, job, Outcome::failed(message))).await;
                }
                return;
            }
            Ok(Err(refused)) => eprintln!("[{job}] {refused}; trying again"),
            Err(e) => eprintln!("[{job}] {e}; trying again"),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(10));
    }
}
