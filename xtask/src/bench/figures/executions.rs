//! Many executions of one pipeline: a long queue, and many side by side.
//!
//! Their actions are an S3 source and S3 deployments of its empty archive: the quickest that really do something, namely read an
//! object and write another.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::api::EMPTY_ZIP;
use super::world::{self, BUCKET, Stage, call, until};
use crate::bench::client::Connection;
use crate::bench::load::{self, Bounds};
use crate::bench::process::{Folder, Server};
use crate::bench::request::{self, CODEPIPELINE};

/// Executions in the queue.
pub const QUEUED: u64 = 5_000;
/// Executions at once, and the actions of each.
pub const PARALLEL: u64 = 200;
pub const ACTIONS: u64 = 10;
const SUBMITTERS: usize = 4;
const LIMIT: Duration = Duration::from_secs(300);

/// What became of a queue.
pub struct Queue {
    /// From starting the server again, after `kill -9`, until it was ready.
    pub ready: Duration,
    /// From opening the transition until the last had ended.
    pub drained: Duration,
}

/// Has executions queue up before a closed transition, kills the server, starts it again, and opens the transition.
pub fn queue(binary: &Path) -> Result<Queue> {
    let folder = Folder::new("queue")?;
    let data = folder.path().join("data");
    let server = Server::ours(binary, &data)?;
    world::role_and_bucket(server.address)?;
    pipeline(server.address, "queue", "QUEUED", &["Deploy"], 1)?;
    let mut connection = Connection::new(server.address);
    let transition = json!({ "pipelineName": "queue", "stageName": "Deploy", "transitionType": "Inbound" });
    let mut closed = transition.clone();
    closed["reason"] = json!("bench");
    connection.send(&request::json(CODEPIPELINE, "DisableStageTransition", &closed))?.expect_success()?;
    start_many(server.address, "queue", QUEUED - 2)?;
    // One came from the pipeline's creation; whoever comes last ends last.
    let last = start(&mut connection, "queue")?;
    until("the last one waits before the transition", LIMIT, Duration::from_millis(50), || {
        let filter = json!({ "pipelineName": "queue", "filter": { "pipelineExecutionId": last } });
        let list = call(&mut connection, CODEPIPELINE, "ListActionExecutions", &filter)?;
        let status = list.pointer("/actionExecutionDetails/0/status").and_then(Value::as_str);
        Ok((status == Some("Succeeded")).then_some(()))
    })?;
    server.kill()?;
    let server = Server::ours(binary, &data)?;
    let ready = server.ready_after;
    let mut connection = Connection::new(server.address);
    let begin = Instant::now();
    connection.send(&request::json(CODEPIPELINE, "EnableStageTransition", &transition))?.expect_success()?;
    wait_for(&mut connection, "queue", &last)?;
    let drained = begin.elapsed();
    all_succeeded(&mut connection, "queue", QUEUED)?;
    Ok(Queue { ready, drained })
}

/// Many executions at once: from the first start until all have ended, and the server's CPU time per action.
pub fn side_by_side(server: &Server) -> Result<(Duration, Duration)> {
    pipeline(server.address, "parallel", "PARALLEL", &["One", "Two", "Three"], 3)?;
    let mut connection = Connection::new(server.address);
    until("the first execution has ended", LIMIT, Duration::from_millis(5), || {
        Ok(all_succeeded(&mut connection, "parallel", 1).is_ok().then_some(()))
    })?;
    let (begin, cpu) = (Instant::now(), server.cpu()?);
    start_many(server.address, "parallel", PARALLEL)?;
    let mut ended = Ok(());
    until("all executions end", LIMIT, Duration::from_millis(20), || {
        ended = all_succeeded(&mut connection, "parallel", PARALLEL + 1);
        Ok(ended.is_ok().then_some(()))
    })
    .with_context(|| format!("{ended:?}"))?;
    let total = begin.elapsed();
    Ok((total, (server.cpu()? - cpu) / u32::try_from(PARALLEL * ACTIONS)?))
}

fn pipeline(address: SocketAddr, name: &str, mode: &str, stages: &[&'static str], actions: usize) -> Result<()> {
    Connection::new(address)
        .send(&request::s3("PUT", &format!("/{BUCKET}/{name}.zip"), EMPTY_ZIP))?
        .expect_success()?;
    let source = Stage {
        name: "Source",
        category: "Source",
        provider: "S3",
        configuration: json!({
            "S3Bucket": BUCKET, "S3ObjectKey": format!("{name}.zip"), "PollForSourceChanges": "false",
        }),
        inputs: &[],
        outputs: &["Fetched"],
    };
    let deploy = |stage: &&'static str| Stage {
        name: stage,
        category: "Deploy",
        provider: "S3",
        configuration: json!({ "BucketName": BUCKET, "Extract": "false", "ObjectKey": format!("{name}-{stage}") }),
        inputs: &["Fetched"],
        outputs: &[],
    };
    let stages: Vec<Stage<'_>> = std::iter::once(source).chain(stages.iter().map(deploy)).collect();
    world::pipeline_in_mode(address, name, mode, &stages, actions)
}

fn start(connection: &mut Connection, name: &str) -> Result<String> {
    let answer = call(connection, CODEPIPELINE, "StartPipelineExecution", &json!({ "name": name }))?;
    Ok(answer.get("pipelineExecutionId").and_then(Value::as_str).context("no execution id")?.to_owned())
}

fn start_many(address: SocketAddr, name: &str, count: u64) -> Result<()> {
    let start = request::json(CODEPIPELINE, "StartPipelineExecution", &json!({ "name": name }));
    let bounds = Bounds { connections: SUBMITTERS, time: LIMIT, requests: count };
    load::run(address, bounds, |_| start.clone()).map(|_| ())
}

fn wait_for(connection: &mut Connection, name: &str, id: &str) -> Result<()> {
    let input = json!({ "pipelineName": name, "pipelineExecutionId": id });
    until("the execution ends", LIMIT, Duration::from_millis(20), || {
        let answer = call(connection, CODEPIPELINE, "GetPipelineExecution", &input)?;
        match answer.pointer("/pipelineExecution/status").and_then(Value::as_str) {
            Some("Succeeded") => Ok(Some(())),
            Some("InProgress") => Ok(None),
            other => bail!("the execution is {other:?}"),
        }
    })
}

/// Whether the pipeline has so many executions, and all have succeeded.
fn all_succeeded(connection: &mut Connection, name: &str, count: u64) -> Result<()> {
    let mut input = json!({ "pipelineName": name });
    let mut seen = 0;
    loop {
        let page = call(connection, CODEPIPELINE, "ListPipelineExecutions", &input)?;
        let list = page.get("pipelineExecutionSummaries").and_then(Value::as_array).context("no executions")?;
        if let Some(other) = list.iter().find(|e| e.get("status").and_then(Value::as_str) != Some("Succeeded")) {
            bail!("an execution has not succeeded: {other}");
        }
        seen += list.len() as u64;
        match page.get("nextToken").and_then(Value::as_str) {
            Some(token) => input = json!({ "pipelineName": name, "nextToken": token }),
            None if seen == count => return Ok(()),
            None => bail!("{seen} executions, not {count}"),
        }
    }
}
