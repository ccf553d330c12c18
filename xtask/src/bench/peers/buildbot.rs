//! Buildbot with one worker in the master's own process: its smallest and quickest setup.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::bench::client::Connection;
use crate::bench::figures::jobs::MARK;
use crate::bench::figures::world::until;
use crate::bench::load::Times;
use crate::bench::process::{Folder, Server, free_address};
use crate::bench::request;
use crate::program::{must, program};
use crate::workspace;

const FIRST_LINES: u64 = 20;
const JOBS: u64 = 40;
/// Builds of ten steps: fewer than the executions on our side, because they take seconds each.
pub const TENS: u64 = 20;
const LIMIT: Duration = Duration::from_secs(180);

/// A running Buildbot.
pub struct Buildbot {
    pub server: Server,
    _folder: Folder,
}

/// Makes a master with three builders, `first-line`, `trivial` and `ten` (steps), and starts it.
pub fn start() -> Result<Buildbot> {
    let folder = Folder::new("buildbot")?;
    let address = free_address()?;
    let binary = workspace::bench_environment().join("bin/buildbot");
    let master = folder.path().join("master");
    must(program(&binary).args(["create-master", "--quiet"]).arg(&master))?;
    std::fs::write(master.join("master.cfg"), configuration(address))?;
    let mut command = program(&binary);
    command.args(["start", "--nodaemon"]).arg(&master).current_dir(folder.path());
    let server = Server::peer(&mut command, address, &folder.path().join("log"))?;
    wait_for_worker(address)?;
    Ok(Buildbot { server, _folder: folder })
}

fn configuration(address: SocketAddr) -> String {
    format!(
        r#"
from buildbot.plugins import schedulers, steps, util, worker
names = ["first-line", "trivial", "ten"]
commands = {{"first-line": ["echo", "{MARK}"], "trivial": ["true"], "ten": ["true"]}}
counts = {{"ten": 10}}
c = BuildmasterConfig = {{
    "workers": [worker.LocalWorker("local", max_builds=8)],
    "schedulers": [schedulers.ForceScheduler(name="force-" + n, builderNames=[n]) for n in names],
    "builders": [util.BuilderConfig(name=n, workernames=["local"], collapseRequests=False, factory=util.BuildFactory(
        [steps.ShellCommand(name="shell" if i == 0 else "shell-%d" % i, command=commands[n])
         for i in range(counts.get(n, 1))])) for n in names],
    "protocols": {{"null": {{}}}},
    "www": {{"port": "tcp:{port}:interface=127.0.0.1"}},
    "db": {{"db_url": "sqlite:///state.sqlite"}},
    "buildbotNetUsageData": None,
    "title": "bench", "buildbotURL": "http://{address}/",
}}
"#,
        port = address.port()
    )
}

fn wait_for_worker(address: SocketAddr) -> Result<()> {
    let mut connection = Connection::new(address);
    until("the worker is connected", LIMIT, Duration::from_millis(50), || {
        let answer = get(&mut connection, "/api/v2/workers")?;
        let connected = answer.pointer("/workers/0/connected_to").and_then(Value::as_array);
        Ok(connected.is_some_and(|masters| !masters.is_empty()).then_some(()))
    })
}

/// From forcing a build until its first line can be read over REST.
pub fn start_to_first_line(address: SocketAddr) -> Result<Times> {
    let mut connection = Connection::new(address);
    let builder = builder_id(&mut connection, "first-line")?;
    let mut times = Vec::new();
    for number in 1..=FIRST_LINES {
        let begin = Instant::now();
        force(&mut connection, "first-line", builder)?;
        let path = format!("/api/v2/builders/{builder}/builds/{number}/steps/shell/logs/stdio/contents");
        until("the first line", LIMIT, Duration::from_millis(2), || {
            let answer = connection.send(&request::plain("GET", &path, "application/json", b""))?;
            let is_there = answer.status == 200 && String::from_utf8_lossy(&answer.body).contains(&format!("o{MARK}"));
            Ok(is_there.then_some(()))
        })?;
        times.push(begin.elapsed());
        wait_for_builds(&mut connection, builder, number)?;
    }
    Ok(Times::new(times))
}

/// Jobs a second from the first force to the last end, and the master's CPU time per job (its worker is inside it).
pub fn throughput(server: &Server) -> Result<(f64, Duration)> {
    let mut connection = Connection::new(server.address);
    let builder = builder_id(&mut connection, "trivial")?;
    let (begin, cpu) = (Instant::now(), server.cpu()?);
    for _ in 0..JOBS {
        force(&mut connection, "trivial", builder)?;
    }
    wait_for_builds(&mut connection, builder, JOBS)?;
    let per_second = JOBS as f64 / begin.elapsed().as_secs_f64();
    Ok((per_second, (server.cpu()? - cpu) / u32::try_from(JOBS)?))
}

/// Builds of ten trivial steps at once: from the first force to the last end, and the master's CPU time per step.
pub fn builds_of_ten_steps(server: &Server) -> Result<(Duration, Duration)> {
    let mut connection = Connection::new(server.address);
    let builder = builder_id(&mut connection, "ten")?;
    let (begin, cpu) = (Instant::now(), server.cpu()?);
    for _ in 0..TENS {
        force(&mut connection, "ten", builder)?;
    }
    wait_for_builds(&mut connection, builder, TENS)?;
    Ok((begin.elapsed(), (server.cpu()? - cpu) / u32::try_from(TENS * 10)?))
}

fn get(connection: &mut Connection, path: &str) -> Result<Value> {
    connection.send(&request::plain("GET", path, "application/json", b""))?.json().with_context(|| path.to_owned())
}

fn builder_id(connection: &mut Connection, name: &str) -> Result<u64> {
    let answer = get(connection, &format!("/api/v2/builders?name={name}"))?;
    answer.pointer("/builders/0/builderid").and_then(Value::as_u64).context("no such builder")
}

fn force(connection: &mut Connection, name: &str, builder: u64) -> Result<()> {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "force", "params": { "builderid": builder.to_string() } });
    let path = format!("/api/v2/forceschedulers/force-{name}");
    let request = request::plain("POST", &path, "application/json", body.to_string().as_bytes());
    let answer = connection.send(&request)?.json()?;
    match answer.get("error") {
        Some(error) if !error.is_null() => bail!("force: {error}"),
        _ => Ok(()),
    }
}

fn wait_for_builds(connection: &mut Connection, builder: u64, count: u64) -> Result<()> {
    let path = format!("/api/v2/builders/{builder}/builds?complete=true&field=number&field=complete");
    until("all builds are complete", LIMIT, Duration::from_millis(10), || {
        let answer = get(connection, &path)?;
        let builds = answer.get("builds").and_then(Value::as_array).context("no builds")?;
        Ok((builds.len() as u64 >= count).then_some(()))
    })
}
