//! What the figures need to exist on a server. The same requests make it on ours and on moto.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::bench::client::{Answer, Connection};
use crate::bench::request::{self, CODEBUILD, CODEPIPELINE, JsonService};

pub const BUCKET: &str = "bench-bucket";
const ROLE: &str = "arn:aws:iam::123456789012:role/bench";

/// One awsJson call.
pub fn call(connection: &mut Connection, service: JsonService, operation: &str, input: &Value) -> Result<Value> {
    connection.send(&request::json(service, operation, input))?.json().with_context(|| operation.to_owned())
}

/// A role that services may run as, and a versioned bucket.
pub fn role_and_bucket(address: SocketAddr) -> Result<()> {
    let mut connection = Connection::new(address);
    // A statement for each service: moto finds no service in a list.
    let statement = |service: &str| {
        format!(
            "%7B%22Effect%22%3A%22Allow%22%2C%22Principal%22%3A%7B%22Service%22%3A%22{service}.amazonaws.com%22%7D%2C\
             %22Action%22%3A%22sts%3AAssumeRole%22%7D"
        )
    };
    let trust = format!(
        "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B{}%2C{}%5D%7D",
        statement("codebuild"),
        statement("codepipeline")
    );
    let form = format!("Action=CreateRole&Version=2010-05-08&RoleName=bench&AssumeRolePolicyDocument={trust}");
    made(&connection.send(&request::query("iam", &form))?).context("CreateRole")?;
    // Pipelines work and builds read and write artifacts as this role.
    let policy = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%7B%22Effect%22%3A%22Allow%22%2C\
                  %22Action%22%3A%5B%22s3%3A%2A%22%2C%22codecommit%3A%2A%22%2C%22codebuild%3A%2A%22%5D%2C\
                  %22Resource%22%3A%22%2A%22%7D%7D";
    let form = format!("Action=PutRolePolicy&Version=2010-05-08&RoleName=bench&PolicyName=all&PolicyDocument={policy}");
    connection.send(&request::query("iam", &form))?.expect_success().context("PutRolePolicy")?;
    made(&connection.send(&request::s3("PUT", &format!("/{BUCKET}"), b""))?).context("CreateBucket")?;
    let versioning = b"<VersioningConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
                       <Status>Enabled</Status></VersioningConfiguration>";
    let request = request::s3("PUT", &format!("/{BUCKET}?versioning="), versioning);
    connection.send(&request)?.expect_success().context("PutBucketVersioning")
}

/// What an earlier figure made is there already.
fn made(answer: &Answer) -> Result<()> {
    if answer.status == 409 { Ok(()) } else { answer.expect_success() }
}

/// A project with these commands as its build phase. `source` is `NO_SOURCE` or `CODEPIPELINE`.
pub fn project(address: SocketAddr, name: &str, source: &str, commands: &[&str]) -> Result<()> {
    let buildspec = json!({ "version": "0.2", "phases": { "build": { "commands": commands } } }).to_string();
    let artifacts = if source == "CODEPIPELINE" { source } else { "NO_ARTIFACTS" };
    create_project(address, name, &json!({ "type": source, "buildspec": buildspec }), artifacts)
}

/// A project that is only read. moto knows no project without a source.
pub fn project_to_read(address: SocketAddr) -> Result<()> {
    role_and_bucket(address)?;
    let source = json!({ "type": "S3", "location": format!("{BUCKET}/source.zip") });
    create_project(address, "api", &source, "NO_ARTIFACTS")
}

fn create_project(address: SocketAddr, name: &str, source: &Value, artifacts: &str) -> Result<()> {
    let input = json!({
        "name": name,
        "source": source,
        "artifacts": { "type": artifacts },
        "environment": {
            "type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0", "computeType": "BUILD_GENERAL1_SMALL",
        },
        "serviceRole": ROLE,
    });
    call(&mut Connection::new(address), CODEBUILD, "CreateProject", &input).map(|_| ())
}

/// A pipeline of these stages, one action each.
pub fn pipeline(address: SocketAddr, name: &str, stages: &[Stage<'_>]) -> Result<()> {
    pipeline_in_mode(address, name, "SUPERSEDED", stages, 1)
}

/// A pipeline in an execution mode; each stage but the first has `actions` equal actions, side by side.
pub fn pipeline_in_mode(
    address: SocketAddr,
    name: &str,
    mode: &str,
    stages: &[Stage<'_>],
    actions: usize,
) -> Result<()> {
    let names = |names: &[&str]| names.iter().map(|name| json!({ "name": name })).collect::<Vec<_>>();
    let action = |s: &Stage<'_>, number: usize| {
        json!({
            "name": if number == 0 { "Act".to_owned() } else { format!("Act{number}") },
            "actionTypeId": { "category": s.category, "owner": "AWS", "provider": s.provider, "version": "1" },
            "configuration": s.configuration,
            "inputArtifacts": names(s.inputs),
            "outputArtifacts": names(s.outputs),
        })
    };
    let stage = |(n, s): (usize, &Stage<'_>)| {
        let count = if n == 0 { 1 } else { actions };
        json!({ "name": s.name, "actions": (0..count).map(|n| action(s, n)).collect::<Vec<_>>() })
    };
    let kind = if mode == "SUPERSEDED" { "V1" } else { "V2" };
    let input = json!({ "pipeline": {
        "name": name,
        "roleArn": ROLE,
        "artifactStore": { "type": "S3", "location": BUCKET },
        "pipelineType": kind,
        "executionMode": mode,
        "stages": stages.iter().enumerate().map(stage).collect::<Vec<_>>(),
    } });
    call(&mut Connection::new(address), CODEPIPELINE, "CreatePipeline", &input).map(|_| ())
}

/// A stage with one action.
pub struct Stage<'a> {
    pub name: &'a str,
    pub category: &'a str,
    pub provider: &'a str,
    pub configuration: Value,
    pub inputs: &'a [&'a str],
    pub outputs: &'a [&'a str],
}

/// Calls `probe` until it gives something, at most `limit` long.
pub fn until<T>(
    what: &str,
    limit: Duration,
    every: Duration,
    mut probe: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let begin = Instant::now();
    loop {
        if let Some(found) = probe()? {
            return Ok(found);
        }
        if begin.elapsed() > limit {
            bail!("not within {} s: {what}", limit.as_secs());
        }
        std::thread::sleep(every);
    }
}
