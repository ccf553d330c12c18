//! The order of the measurements.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};

use super::figures::{api, executions, jobs, logs, pipeline, pure, start};
use super::load::Times;
use super::peers::{buildbot, moto};
use super::process::{Folder, Server};
use super::table::{self, Cell, Row, time};
use super::{figures, host};
use crate::program::{cargo, must};
use crate::{setup, workspace};

/// What to measure.
#[derive(clap::Args)]
pub struct Arguments {
    /// Measure this binary instead of building the release.
    #[arg(long)]
    binary: Option<PathBuf>,
    /// Leave the peers out; their columns stay empty.
    #[arg(long)]
    no_peers: bool,
    /// Measure these parts alone.
    #[arg(long, value_enum)]
    only: Vec<Part>,
}

/// A part of the measurements.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    Starts,
    Works,
    Builds,
    Executions,
    Apis,
}

impl Arguments {
    fn wants(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }
}

/// Measures all and prints the table. What cannot be measured is listed with the reason.
pub fn run(arguments: &Arguments) -> Result<()> {
    setup::run(if arguments.no_peers { setup::Wanted::Tests } else { setup::Wanted::Bench })?;
    let binary = match &arguments.binary {
        Some(binary) => std::path::absolute(binary)?,
        None => {
            let packages = ["--package", "headworks", "--package", "engine"];
            let mut build = cargo();
            build.args(["build", "--release", "--locked", "--bins", "--example", "figures"]).args(packages);
            // Optimized across the parts of each crate, whatever the environment says.
            must(build.env("CARGO_INCREMENTAL", "0"))?;
            workspace::target().join("release/headworks")
        }
    };
    if !binary.exists() {
        bail!("{} does not exist", binary.display());
    }

    let mut rows = Vec::new();
    if arguments.wants(Part::Starts) {
        rows.extend(starts(&binary, arguments));
    }
    let folder = Folder::new("ours")?;
    let server = Server::ours(&binary, &folder.path().join("data"));
    if arguments.wants(Part::Works) {
        rows.extend(works(server.as_ref().ok(), arguments));
    }
    if arguments.wants(Part::Builds) {
        rows.extend(builds(&binary, server.as_ref().ok()));
    }
    if arguments.wants(Part::Executions) {
        rows.extend(many_executions(&binary, server.as_ref().ok(), arguments));
    }
    if arguments.wants(Part::Apis) {
        rows.extend(apis(server.as_ref().ok(), arguments));
    }
    if let Err(error) = &server {
        eprintln!("error: {error:#}");
    }
    println!("{}", host::description());
    println!("{}, load generator on the same machine\n", binary.display());
    table::print(&rows);
    Ok(())
}

fn starts(binary: &std::path::Path, arguments: &Arguments) -> Vec<Row> {
    eprintln!("bench: start to ready, memory at rest");
    let (empty, full) = (start::empty(binary), start::full(binary));
    let peer = |start: &dyn Fn() -> Result<(Duration, f64)>| {
        if arguments.no_peers {
            return (Cell::Absent, Cell::Absent);
        }
        match start() {
            Ok((ready, mib)) => (Cell::Value(time(ready)), Cell::Value(format!("{mib:.1} MiB"))),
            Err(error) => (Cell::Not(format!("{error:#}")), Cell::Not(format!("{error:#}"))),
        }
    };
    let (moto_ready, moto_memory) = peer(&|| at_rest(&moto::start()?));
    let (buildbot_ready, buildbot_memory) = peer(&|| at_rest(&buildbot::start()?.server));
    let ready = |start: &Result<start::Start>| cell(start, |start| time(start.ready));
    let memory = |start: &Result<start::Start>| cell(start, |start| format!("{:.1} MiB", start.resident_mib));
    let row = |figure: &str, ours, aim, moto, buildbot| Row { figure: figure.to_owned(), ours, aim, moto, buildbot };
    vec![
        row("start to ready, empty store", ready(&empty), "50 ms", moto_ready, buildbot_ready),
        row("start to ready, 10,000 executions", ready(&full), "150 ms", Cell::Absent, Cell::Absent),
        row("idle memory, empty store", memory(&empty), "20 MiB", moto_memory, buildbot_memory),
        row("idle memory, 10,000 executions", memory(&full), "20 MiB", Cell::Absent, Cell::Absent),
    ]
}

fn at_rest(server: &Server) -> Result<(Duration, f64)> {
    std::thread::sleep(Duration::from_secs(2));
    Ok((server.ready_after, server.resident_mib()?))
}

fn works(server: Option<&Server>, arguments: &Arguments) -> Vec<Row> {
    eprintln!("bench: jobs and pipelines");
    let row =
        |figure: &str, ours, aim, buildbot| Row { figure: figure.to_owned(), ours, aim, moto: Cell::Absent, buildbot };
    let (mut peer_line, mut peer_rate, mut peer_cpu) = (Cell::Absent, Cell::Absent, Cell::Absent);
    if !arguments.no_peers {
        let peer = buildbot::start();
        let on_peer = |measure: &dyn Fn(&Server) -> Result<Vec<String>>| match &peer {
            Ok(buildbot) => measure(&buildbot.server),
            Err(error) => bail!("{error:#}"),
        };
        let line = on_peer(&|server| Ok(vec![p50_p99(&buildbot::start_to_first_line(server.address)?)]));
        let rate =
            on_peer(&|server| buildbot::throughput(server).map(|(rate, cpu)| vec![format!("{rate:.1}/s"), time(cpu)]));
        peer_line = nth(&line, 0);
        peer_rate = nth(&rate, 0);
        peer_cpu = nth(&rate, 1);
        drop(peer); // it works off its queue for minutes, beside whatever is measured next
    }
    let ours = |measure: &dyn Fn(&Server) -> Result<Vec<String>>| match server {
        Some(server) => measure(server),
        None => bail!("the server did not start"),
    };
    let prepared = ours(&|server| figures::world::role_and_bucket(server.address).map(|()| Vec::new()));
    if let Err(error) = prepared {
        eprintln!("bench: role and bucket: {error:#}");
    }
    let line = ours(&|server| Ok(vec![p50_p99(&jobs::start_to_first_line(server.address)?)]));
    let rate = ours(&|server| jobs::throughput(server).map(|(rate, cpu)| vec![format!("{rate:.1}/s"), time(cpu)]));
    let hops = ours(&|server| Ok(vec![p50_p99(&pipeline::hops(server.address)?)]));
    let push = ours(&|server| {
        let push = pipeline::push_to_first_line(server.address)?;
        Ok(vec![p50_p99(&push.from_start), p50_p99(&push.from_end)])
    });
    vec![
        row("StartBuild to first line, p50 / p99", nth(&line, 0), "30 ms / 150 ms", peer_line),
        row("stage to stage, p50 / p99", nth(&hops, 0), "10 ms", Cell::Absent),
        row("git push begun to first line, p50 / p99", nth(&push, 0), "-", Cell::Absent),
        row("git push done to first line, p50 / p99", nth(&push, 1), "100 ms", Cell::Absent),
        row("trivial jobs", nth(&rate, 0), "60/s", peer_rate),
        row("engine CPU per job", nth(&rate, 1), "3 ms", peer_cpu),
    ]
}

fn builds(binary: &std::path::Path, server: Option<&Server>) -> Vec<Row> {
    eprintln!("bench: buildspecs and logs");
    let row = |figure: &str, ours, aim| Row {
        figure: figure.to_owned(),
        ours,
        aim,
        moto: Cell::Absent,
        buildbot: Cell::Absent,
    };
    let pure = pure::measure(binary);
    let parse = cell(&pure, |pure| format!("{} ({} bytes)", time(pure.parse), pure.bytes));
    let plan = cell(&pure, |pure| {
        let shown = |(nodes, took): &(u64, Duration)| format!("{nodes}: {}", time(*took));
        pure.plans.iter().map(shown).collect::<Vec<_>>().join(", ")
    });
    let ours = |measure: &dyn Fn(&Server) -> Result<Vec<String>>| match server {
        Some(server) => measure(server),
        None => bail!("the server did not start"),
    };
    let together = ours(&|server| {
        let (builds, shells) = jobs::together(server.address)?;
        Ok(vec![format!("{} (sh: {})", time(builds), time(shells))])
    });
    let lag = ours(&|server| Ok(vec![p50_p99(&logs::lag(server.address)?)]));
    let rates = ours(&|server| {
        let rates = logs::throughput(server.address)?;
        Ok([rates.arriving, rates.reading].map(|rate| format!("{rate:.0} lines/s")).to_vec())
    });
    vec![
        row("largest buildspec read", parse, "-"),
        row("build graph read and planned, by its builds", plan, "400: 20 ms, linear"),
        row("20 trivial builds at once", nth(&together, 0), "-"),
        row("log, printed to GetLogEvents", nth(&rates, 0), "500000 lines/s"),
        row("log, all pages of GetLogEvents", nth(&rates, 1), "-"),
        row("log, lag of a follower, p50 / p99", nth(&lag, 0), "100 ms"),
    ]
}

fn many_executions(binary: &std::path::Path, server: Option<&Server>, arguments: &Arguments) -> Vec<Row> {
    eprintln!("bench: many executions");
    let row =
        |figure: &str, ours, aim, buildbot| Row { figure: figure.to_owned(), ours, aim, moto: Cell::Absent, buildbot };
    let pure = pure::measure(binary);
    let walked = cell(&pure, |pure| {
        let shown = |(actions, took): &(u64, Duration)| format!("{actions}: {}", time(*took));
        pure.pipelines.iter().map(shown).collect::<Vec<_>>().join(", ")
    });
    let (mut peer_total, mut peer_cpu) = (Cell::Absent, Cell::Absent);
    if !arguments.no_peers {
        let steps = buildbot::start().and_then(|peer| buildbot::builds_of_ten_steps(&peer.server));
        peer_total = cell(&steps, |(total, _)| format!("{} ({} builds)", time(*total), buildbot::TENS));
        peer_cpu = cell(&steps, |(_, cpu)| time(*cpu));
    }
    let side_by_side = match server {
        Some(server) => figures::world::role_and_bucket(server.address).and_then(|()| executions::side_by_side(server)),
        None => Err(anyhow::anyhow!("the server did not start")),
    };
    let queue = executions::queue(binary);
    let (count, each) = (executions::PARALLEL, executions::ACTIONS);
    vec![
        row("pipeline read and taken through the machine, by its actions", walked, "500: 50 ms, linear", Cell::Absent),
        row(
            &format!("{count} parallel executions of {each} S3 actions"),
            cell(&side_by_side, |(total, _)| time(*total)),
            "-",
            peer_total,
        ),
        row("engine CPU per action", cell(&side_by_side, |(_, cpu)| time(*cpu)), "2 ms", peer_cpu),
        row(
            &format!("start to ready after kill -9, {} queued", executions::QUEUED),
            cell(&queue, |queue| time(queue.ready)),
            "500 ms",
            Cell::Absent,
        ),
        row(
            &format!("{} queued executions drained", executions::QUEUED),
            cell(&queue, |queue| time(queue.drained)),
            "-",
            Cell::Absent,
        ),
    ]
}

fn apis(server: Option<&Server>, arguments: &Arguments) -> Vec<Row> {
    eprintln!("bench: requests");
    let peer = if arguments.no_peers { None } else { Some(moto::start()) };
    let theirs = match &peer {
        Some(Ok(moto)) => api::all(moto.address).into_iter().map(|figure| figure.cell).collect(),
        Some(Err(error)) => vec![Cell::Not(format!("{error:#}")); api::FIGURES],
        None => vec![Cell::Absent; api::FIGURES],
    };
    drop(peer); // its memory and threads are no longer beside ours
    let ours = match server {
        Some(server) => api::all(server.address),
        None => api::unmeasured("the server did not start"),
    };
    ours.into_iter()
        .zip(theirs)
        .map(|(f, moto)| Row { figure: f.name, ours: f.cell, aim: f.aim, moto, buildbot: Cell::Absent })
        .collect()
}

fn cell<T>(outcome: &Result<T>, show: impl Fn(&T) -> String) -> Cell {
    match outcome {
        Ok(value) => Cell::Value(show(value)),
        Err(error) => Cell::Not(format!("{error:#}")),
    }
}

fn nth(outcome: &Result<Vec<String>>, index: usize) -> Cell {
    cell(outcome, |values| values.get(index).cloned().unwrap_or_default())
}

fn p50_p99(times: &Times) -> String {
    format!("{} / {}", time(times.percentile(50)), time(times.percentile(99)))
}
