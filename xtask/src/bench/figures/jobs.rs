//! Trivial builds: how soon they say something, how many a second, and what they cost the server.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::world::{call, project, until};
use crate::bench::client::Connection;
use crate::bench::load::{self, Bounds, Times};
use crate::bench::process::Server;
use crate::bench::request::{self, CODEBUILD, LOGS};
use crate::program::program;

const FIRST_LINES: usize = 50;
const JOBS: u64 = 200;
const SUBMITTERS: usize = 4;
const TOGETHER: usize = 20;
/// The line that the build's own command prints. The log also shows the command, so it is told apart by equality.
pub const MARK: &str = "first-line";
const LIMIT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_micros(500);

/// From sending StartBuild until the build's first own line can be read with GetLogEvents.
pub fn start_to_first_line(address: SocketAddr) -> Result<Times> {
    project(address, "first-line", "NO_SOURCE", &[&format!("echo {MARK}")])?;
    let mut connection = Connection::new(address);
    let mut times = Vec::new();
    for _ in 0..FIRST_LINES {
        let begin = Instant::now();
        let started = call(&mut connection, CODEBUILD, "StartBuild", &json!({ "projectName": "first-line" }))?;
        let id = started.pointer("/build/id").and_then(Value::as_str).context("StartBuild gave no id")?.to_owned();
        wait_for_line(&mut connection, &id)?;
        times.push(begin.elapsed());
        wait_for_end(&mut connection, &[id])?; // so that no job runs beside the next one
    }
    Ok(Times::new(times))
}

/// Jobs a second from the first StartBuild to the last end, and the server's own CPU time per job.
pub fn throughput(server: &Server) -> Result<(f64, Duration)> {
    project(server.address, "trivial", "NO_SOURCE", &["true"])?;
    let start = request::json(CODEBUILD, "StartBuild", &json!({ "projectName": "trivial" }));
    let (begin, cpu) = (Instant::now(), server.cpu()?);
    let bounds = Bounds { connections: SUBMITTERS, time: LIMIT, requests: JOBS };
    load::run(server.address, bounds, |_| start.clone())?;
    let mut connection = Connection::new(server.address);
    let mut ids = Vec::new();
    let mut input = json!({ "projectName": "trivial" });
    loop {
        let page = call(&mut connection, CODEBUILD, "ListBuildsForProject", &input)?;
        let list = page.get("ids").and_then(Value::as_array).context("no ids")?;
        ids.extend(list.iter().filter_map(Value::as_str).map(str::to_owned));
        match page.get("nextToken").and_then(Value::as_str) {
            Some(token) => input = json!({ "projectName": "trivial", "nextToken": token }),
            None => break,
        }
    }
    if ids.len() as u64 != JOBS {
        bail!("{} builds are listed, {JOBS} were started", ids.len());
    }
    wait_for_end(&mut connection, &ids)?;
    let per_second = JOBS as f64 / begin.elapsed().as_secs_f64();
    Ok((per_second, (server.cpu()? - cpu) / u32::try_from(JOBS)?))
}

/// Twenty trivial builds at once, from the first StartBuild to the last end; and twenty times `sh` at once.
pub fn together(address: SocketAddr) -> Result<(Duration, Duration)> {
    project(address, "together", "NO_SOURCE", &["true"])?;
    let mut connection = Connection::new(address);
    let begin = Instant::now();
    let mut ids = Vec::new();
    for _ in 0..TOGETHER {
        let started = call(&mut connection, CODEBUILD, "StartBuild", &json!({ "projectName": "together" }))?;
        ids.push(started.pointer("/build/id").and_then(Value::as_str).context("StartBuild gave no id")?.to_owned());
    }
    wait_for_end(&mut connection, &ids)?;
    let ours = begin.elapsed();
    let begin = Instant::now();
    let shells: Vec<_> = (0..TOGETHER).map(|_| program("sh").args(["-c", "true"]).spawn()).collect();
    for shell in shells {
        shell?.wait()?;
    }
    Ok((ours, begin.elapsed()))
}

/// Waits until GetLogEvents shows the mark.
pub fn wait_for_line(connection: &mut Connection, build: &str) -> Result<()> {
    let (project, stream) = build.split_once(':').context("a build id is project:uuid")?;
    let input = json!({
        "logGroupName": format!("/aws/codebuild/{project}"), "logStreamName": stream, "startFromHead": true,
    });
    let get = request::json(LOGS, "GetLogEvents", &input);
    until("the build's first line", LIMIT, POLL, || {
        let answer = connection.send(&get)?;
        if answer.status == 400 {
            return Ok(None); // the stream does not exist yet
        }
        let answer = answer.json()?;
        let events = answer.get("events").and_then(Value::as_array).context("no events")?;
        let is_mark = |event: &Value| event.get("message").and_then(Value::as_str).is_some_and(|m| m.trim() == MARK);
        Ok(events.iter().any(is_mark).then_some(()))
    })
}

/// Waits until all builds are complete; one that did not succeed is an error.
pub fn wait_for_end(connection: &mut Connection, ids: &[String]) -> Result<()> {
    for some in ids.chunks(100) {
        until("all builds are complete", LIMIT, Duration::from_millis(5), || {
            let answer = call(connection, CODEBUILD, "BatchGetBuilds", &json!({ "ids": some }))?;
            let builds = answer.get("builds").and_then(Value::as_array).context("no builds")?;
            let is_complete = |build: &Value| build.get("buildComplete").and_then(Value::as_bool) == Some(true);
            if builds.len() != some.len() || !builds.iter().all(is_complete) {
                return Ok(None);
            }
            let succeeded = |build: &&Value| build.get("buildStatus").and_then(Value::as_str) != Some("SUCCEEDED");
            match builds.iter().find(succeeded) {
                Some(build) => bail!("a build did not succeed: {build}"),
                None => Ok(Some(())),
            }
        })?;
    }
    Ok(())
}
