//! Stage to stage, and push to first line.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::api::EMPTY_ZIP;
use super::jobs::{MARK, wait_for_end, wait_for_line};
use super::world::{self, BUCKET, Stage, call, until};
use crate::bench::client::Connection;
use crate::bench::load::Times;
use crate::bench::process::Folder;
use crate::bench::request::{self, CODEBUILD, CODECOMMIT, CODEPIPELINE};
use crate::program::{output_of, program};

const EXECUTIONS: usize = 10;
const PUSHES: usize = 20;
const LIMIT: Duration = Duration::from_secs(30);

/// From the end of a stage's last action to the start of the next stage's first, as ListActionExecutions tells (1 ms).
pub fn hops(address: SocketAddr) -> Result<Times> {
    let mut connection = Connection::new(address);
    connection.send(&request::s3("PUT", &format!("/{BUCKET}/hops.zip"), EMPTY_ZIP))?.expect_success()?;
    let source = json!({ "S3Bucket": BUCKET, "S3ObjectKey": "hops.zip", "PollForSourceChanges": "false" });
    let deploy = |key: &str| json!({ "BucketName": BUCKET, "Extract": "false", "ObjectKey": key });
    let stage = |name, configuration| Stage {
        name,
        category: "Deploy",
        provider: "S3",
        configuration,
        inputs: &["Fetched"],
        outputs: &[],
    };
    let stages = [
        Stage {
            name: "Source",
            category: "Source",
            provider: "S3",
            configuration: source,
            inputs: &[],
            outputs: &["Fetched"],
        },
        stage("One", deploy("one")),
        stage("Two", deploy("two")),
        stage("Three", deploy("three")),
    ];
    world::pipeline(address, "hops", &stages)?;
    let mut times = Vec::new();
    for _ in 0..EXECUTIONS {
        let id = started(&mut connection, "hops")?;
        wait_for_execution(&mut connection, "hops", &id)?;
        let filter = json!({ "pipelineName": "hops", "filter": { "pipelineExecutionId": id } });
        let list = call(&mut connection, CODEPIPELINE, "ListActionExecutions", &filter)?;
        let details = list.get("actionExecutionDetails").and_then(Value::as_array).context("no details")?;
        let mut spans: Vec<(f64, f64)> = details.iter().filter_map(span).collect();
        spans.sort_by(|a, b| a.0.total_cmp(&b.0));
        let pairs = spans.iter().zip(spans.iter().skip(1));
        times.extend(pairs.map(|(before, after)| Duration::from_secs_f64((after.0 - before.1).max(0.0))));
    }
    Ok(Times::new(times))
}

fn span(detail: &Value) -> Option<(f64, f64)> {
    Some((detail.get("startTime")?.as_f64()?, detail.get("lastUpdateTime")?.as_f64()?))
}

fn started(connection: &mut Connection, name: &str) -> Result<String> {
    let answer = call(connection, CODEPIPELINE, "StartPipelineExecution", &json!({ "name": name }))?;
    Ok(answer.get("pipelineExecutionId").and_then(Value::as_str).context("no execution id")?.to_owned())
}

fn wait_for_execution(connection: &mut Connection, name: &str, id: &str) -> Result<()> {
    let input = json!({ "pipelineName": name, "pipelineExecutionId": id });
    until("the execution ends", LIMIT, Duration::from_millis(2), || {
        let answer = call(connection, CODEPIPELINE, "GetPipelineExecution", &input)?;
        match answer.pointer("/pipelineExecution/status").and_then(Value::as_str) {
            // Creating the pipeline started it as well: that execution may be overtaken, or overtake.
            Some("Succeeded" | "Superseded") => Ok(Some(())),
            Some("InProgress") => Ok(None),
            other => bail!("the execution is {other:?}"),
        }
    })
}

/// Until the first line of the build that a push leads to can be read.
pub struct Push {
    /// Counted from starting `git push`.
    pub from_start: Times,
    /// Counted from the moment at which `git push` had ended; zero when the line was there before.
    pub from_end: Times,
}

/// `git push` to the first line of the build that it leads to.
pub fn push_to_first_line(address: SocketAddr) -> Result<Push> {
    let mut connection = Connection::new(address);
    call(&mut connection, CODECOMMIT, "CreateRepository", &json!({ "repositoryName": "pushed" }))?;
    let folder = Folder::new("push")?;
    let work = folder.path();
    let url = format!("http://AKIAIOSFODNN7EXAMPLE:secret@{address}/v1/repos/pushed");
    git(work, &["init", "-q", "-b", "main"])?;
    commit(work)?;
    git(work, &["push", "-q", &url, "main"])?;
    world::project(address, "pushed", "CODEPIPELINE", &[&format!("echo {MARK}")])?;
    let stages = [
        Stage {
            name: "Source",
            category: "Source",
            provider: "CodeCommit",
            configuration: json!({ "RepositoryName": "pushed", "BranchName": "main", "PollForSourceChanges": "false" }),
            inputs: &[],
            outputs: &["Fetched"],
        },
        Stage {
            name: "Build",
            category: "Build",
            provider: "CodeBuild",
            configuration: json!({ "ProjectName": "pushed" }),
            inputs: &["Fetched"],
            outputs: &[],
        },
    ];
    world::pipeline(address, "pushed", &stages)?;
    let mut last = newest_build(&mut connection, None)?; // the one that creating the pipeline leads to
    let (mut from_start, mut from_end) = (Vec::new(), Vec::new());
    for _ in 0..PUSHES {
        wait_for_end(&mut connection, std::slice::from_ref(&last))?;
        commit(work)?;
        let begin = Instant::now();
        git(work, &["push", "-q", &url, "main"])?;
        let end = Instant::now();
        last = newest_build(&mut connection, Some(&last))?;
        wait_for_line(&mut connection, &last)?;
        from_start.push(begin.elapsed());
        from_end.push(end.elapsed());
    }
    Ok(Push { from_start: Times::new(from_start), from_end: Times::new(from_end) })
}

/// Waits for a build other than `before`.
fn newest_build(connection: &mut Connection, before: Option<&str>) -> Result<String> {
    until("the push's build exists", LIMIT, Duration::from_micros(500), || {
        let list = call(connection, CODEBUILD, "ListBuildsForProject", &json!({ "projectName": "pushed" }))?;
        let newest = list.pointer("/ids/0").and_then(Value::as_str);
        Ok(newest.filter(|id| Some(*id) != before).map(str::to_owned))
    })
}

fn commit(work: &Path) -> Result<()> {
    git(
        work,
        &["-c", "user.name=Bench", "-c", "user.email=bench@example.com", "commit", "-q", "--allow-empty", "-m", "x"],
    )
}

fn git(work: &Path, words: &[&str]) -> Result<()> {
    let mut command = program("git");
    command.args(words).current_dir(work).env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_TERMINAL_PROMPT", "0");
    output_of(command.env("HOME", work)).map(|_| ())
}
