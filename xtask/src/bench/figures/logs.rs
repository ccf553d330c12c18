//! How fast what a build prints can be read.

use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::world::{call, project, until};
use crate::bench::client::Connection;
use crate::bench::load::Times;
use crate::bench::request::{self, CODEBUILD, LOGS};

const LINES: u64 = 2_000_000;
const LIMIT: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(2);
const FOLLOWED: usize = 300;
const TOKEN: &str = "\"nextForwardToken\":\"";

/// Lines a second.
pub struct Rates {
    /// From the process that prints them until the last one can be read with GetLogEvents.
    pub arriving: f64,
    /// Reading all of them in pages.
    pub reading: f64,
}

/// A build prints numbers as fast as it can.
pub fn throughput(address: SocketAddr) -> Result<Rates> {
    // The last number must stay the newest event until it is seen.
    project(address, "talk", "NO_SOURCE", &[&format!("date +begun-%s%N; seq {LINES}; sleep 2")])?;
    let mut connection = Connection::new(address);
    let stream = started(&mut connection, "talk")?;
    let newest = request::json(
        LOGS,
        "GetLogEvents",
        &json!({
            "logGroupName": "/aws/codebuild/talk", "logStreamName": stream, "limit": 1,
        }),
    );
    let last = format!("{LINES}\n");
    let seen = until("the last line", LIMIT, POLL, || {
        let answer = connection.send(&newest)?;
        if answer.status == 400 {
            return Ok(None); // the stream does not exist yet
        }
        let message = answer.json()?.pointer("/events/0/message").and_then(Value::as_str).map(str::to_owned);
        Ok((message.as_deref() == Some(&last)).then_some(now()))
    })?;
    let (begun, read) = read_all(&mut connection, "talk", &stream)?;
    Ok(Rates { arriving: LINES as f64 / (seen - begun).as_secs_f64(), reading: LINES as f64 / read.as_secs_f64() })
}

/// When the process began to print, and how long reading takes. Every line must be there.
fn read_all(connection: &mut Connection, project: &str, stream: &str) -> Result<(Duration, Duration)> {
    let mut input = json!({
        "logGroupName": format!("/aws/codebuild/{project}"), "logStreamName": stream, "startFromHead": true,
    });
    let (mut begun, mut lines) = (None, 0);
    let begin = Instant::now();
    loop {
        let answer = connection.send(&request::json(LOGS, "GetLogEvents", &input))?;
        answer.expect_success()?;
        // Not parsed as a whole: that would measure the parser of this program.
        let text = std::str::from_utf8(&answer.body)?;
        if begun.is_none() {
            let time = text.split("\"begun-").filter_map(|rest| rest.split_once("\\n")).map(|(digits, _)| digits);
            begun = time.filter_map(|digits| digits.parse().ok()).next().map(Duration::from_nanos);
        }
        let events = text.matches("\"ingestionTime\"").count() as u64;
        if events == 0 {
            break;
        }
        lines += events;
        let token =
            text.split_once(TOKEN).and_then(|(_, rest)| rest.split_once('"')).map(|(token, _)| token.to_owned());
        input["nextToken"] = Value::String(token.context("no token")?);
    }
    if lines < LINES {
        bail!("{lines} lines can be read, {LINES} were printed");
    }
    Ok((begun.context("the first line is missing")?, begin.elapsed()))
}

/// From printing a line until a follower that polls has it.
pub fn lag(address: SocketAddr) -> Result<Times> {
    let script = format!("i=0; while [ $i -lt {FOLLOWED} ]; do date +at-%s%N; i=$((i+1)); sleep 0.01; done");
    project(address, "followed", "NO_SOURCE", &[&script])?;
    let mut connection = Connection::new(address);
    let stream = started(&mut connection, "followed")?;
    let mut input = json!({
        "logGroupName": "/aws/codebuild/followed", "logStreamName": stream, "startFromHead": true,
    });
    let mut times = Vec::new();
    until("the followed lines", LIMIT, POLL, || {
        let answer = connection.send(&request::json(LOGS, "GetLogEvents", &input))?;
        if answer.status == 400 {
            return Ok(None);
        }
        let (answer, now) = (answer.json()?, now());
        let events = answer.get("events").and_then(Value::as_array).context("no events")?;
        let messages = events.iter().filter_map(|event| event.get("message").and_then(Value::as_str));
        let printed = messages.filter_map(|text| text.trim().strip_prefix("at-")?.parse().ok());
        times.extend(printed.map(|nanos| now.saturating_sub(Duration::from_nanos(nanos))));
        input["nextToken"] = answer.get("nextForwardToken").cloned().context("no token")?;
        Ok((times.len() >= FOLLOWED).then_some(()))
    })?;
    Ok(Times::new(times))
}

#[expect(clippy::disallowed_methods, reason = "it is held against what `date` prints in a build")]
fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Starts a build and gives the name of its stream.
fn started(connection: &mut Connection, project: &str) -> Result<String> {
    let answer = call(connection, CODEBUILD, "StartBuild", &json!({ "projectName": project }))?;
    let id = answer.pointer("/build/id").and_then(Value::as_str).context("no id")?;
    Ok(id.split_once(':').context("a build id is project:uuid")?.1.to_owned())
}
