//! Requests a second and their times, at 1 and 8 connections. Runs against ours and against moto.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;

use super::world::{self, BUCKET, Stage};
use crate::bench::client::Connection;
use crate::bench::load::{self, Bounds, Load};
use crate::bench::request::{self, CODEBUILD, CODEPIPELINE};
use crate::bench::table::{Cell, time};

const CONNECTIONS: [usize; 2] = [1, 8];
const TIME: Duration = Duration::from_secs(3);
const MOST_REQUESTS: u64 = 200_000;
const READS: &str = "20,000/s, p99 10 ms";

/// How many figures `all` gives.
pub const FIGURES: usize = KINDS.len() * CONNECTIONS.len();

/// A figure: its name, its aim, and what a server showed.
pub struct Figure {
    pub name: String,
    pub aim: &'static str,
    pub cell: Cell,
}

/// Makes what a figure needs.
type Prepare = fn(SocketAddr) -> Result<()>;
/// The bytes of the request with this number.
type Make = fn(u64) -> Vec<u8>;

struct Kind {
    name: &'static str,
    aim: &'static str,
    prepare: Prepare,
    make: Make,
    is_bulk: bool,
}

const KINDS: &[Kind] = &[
    Kind {
        name: "GetCallerIdentity",
        aim: READS,
        prepare: |_| Ok(()),
        make: |_| request::query("sts", "Action=GetCallerIdentity&Version=2011-06-15"),
        is_bulk: false,
    },
    Kind {
        name: "GetPipelineState",
        aim: READS,
        prepare: pipeline_to_read,
        make: |_| request::json(CODEPIPELINE, "GetPipelineState", &json!({ "name": "api" })),
        is_bulk: false,
    },
    Kind {
        name: "BatchGetProjects",
        aim: READS,
        prepare: world::project_to_read,
        make: |_| request::json(CODEBUILD, "BatchGetProjects", &json!({ "names": ["api"] })),
        is_bulk: false,
    },
    Kind {
        name: "S3 put 1 KiB",
        aim: "-",
        prepare: world::role_and_bucket,
        make: |number| request::s3("PUT", &format!("/{BUCKET}/small/{number}"), &[b'x'; 1024]),
        is_bulk: false,
    },
    Kind {
        name: "S3 get 8 MiB",
        aim: "2 GiB/s",
        prepare: put_large,
        make: |_| request::s3("GET", &format!("/{BUCKET}/large"), b""),
        is_bulk: true,
    },
];

/// All API figures of one server, in a fixed order.
pub fn all(address: SocketAddr) -> Vec<Figure> {
    let mut figures = Vec::new();
    for kind in KINDS {
        let prepared = (kind.prepare)(address);
        for connections in CONNECTIONS {
            let cell = match &prepared {
                Ok(()) => Cell::of(measure(address, kind, connections)),
                Err(error) => Cell::Not(format!("{error:#}")),
            };
            figures.push(kind.figure(connections, cell));
        }
    }
    figures
}

/// The same figures, not measured.
pub fn unmeasured(reason: &str) -> Vec<Figure> {
    let pairs = KINDS.iter().flat_map(|kind| CONNECTIONS.map(|connections| (kind, connections)));
    pairs.map(|(kind, connections)| kind.figure(connections, Cell::Not(reason.to_owned()))).collect()
}

impl Kind {
    fn figure(&self, connections: usize, cell: Cell) -> Figure {
        Figure { name: format!("{}, {connections} conn", self.name), aim: self.aim, cell }
    }
}

fn measure(address: SocketAddr, kind: &Kind, connections: usize) -> Result<String> {
    let bounds = Bounds { connections, time: TIME, requests: MOST_REQUESTS };
    let load = load::run(address, bounds, kind.make)?;
    Ok(shown(&load, kind.is_bulk))
}

fn put_large(address: SocketAddr) -> Result<()> {
    world::role_and_bucket(address)?;
    let put = request::s3("PUT", &format!("/{BUCKET}/large"), &vec![b'y'; 8 << 20]);
    Connection::new(address).send(&put)?.expect_success().context("PutObject of 8 MiB")
}

fn pipeline_to_read(address: SocketAddr) -> Result<()> {
    world::role_and_bucket(address)?;
    let put = request::s3("PUT", &format!("/{BUCKET}/source.zip"), EMPTY_ZIP);
    Connection::new(address).send(&put)?.expect_success().context("PutObject")?;
    let stages = [
        Stage {
            name: "Source",
            category: "Source",
            provider: "S3",
            configuration: json!({ "S3Bucket": BUCKET, "S3ObjectKey": "source.zip", "PollForSourceChanges": "false" }),
            inputs: &[],
            outputs: &["Fetched"],
        },
        Stage {
            name: "Deploy",
            category: "Deploy",
            provider: "S3",
            configuration: json!({ "BucketName": BUCKET, "Extract": "false", "ObjectKey": "deployed" }),
            inputs: &["Fetched"],
            outputs: &[],
        },
    ];
    world::pipeline(address, "api", &stages)
}

/// A zip file without entries.
pub const EMPTY_ZIP: &[u8] = b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

fn shown(load: &Load, bulk: bool) -> String {
    let (p50, p99) = (time(load.times.percentile(50)), time(load.times.percentile(99)));
    match bulk {
        true => format!("{:.2} GiB/s, p50 {p50}, p99 {p99}", load.bytes_per_second / (1u64 << 30) as f64),
        false => format!("{:.0}/s, p50 {p50}, p99 {p99}", load.per_second),
    }
}
