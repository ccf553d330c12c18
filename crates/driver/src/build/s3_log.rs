//! The build's log as an object, written when the build is over. What stands in CloudWatch Logs stands in it, too; where
//! that is switched off, what the job printed.

use std::fs::File;
use std::io::Write;
use std::sync::Arc;

use base::{ApiError, ErrorKind};
use engine::build::{Logs, Place};
use executor::{Executor, ExecutorError, JobReport, Position};
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::StreamExt;
use platform::logs::get_log_events::{self, get_log_events};
use platform::{Cx, s3};
use store::outbox::Claimed;

use crate::PerformError;
use crate::scratch::Scratch;

/// Writes the object. Gives the reason when it cannot be written for a reason of the user's.
pub(super) async fn write(
    cx: &Cx,
    executor: &Arc<dyn Executor>,
    claimed: &Claimed,
    place: &Place,
    (logs, job, last): (&Logs, &str, &[String]),
) -> Result<Option<String>, PerformError> {
    let failed = |e: std::io::Error| PerformError::new("write a build's log", e);
    let scratch = Scratch::new(cx, &format!("{}/log", claimed.key))?;
    let path = scratch.path().join("log.gz");
    let mut out = GzEncoder::new(File::create(&path).map_err(failed)?, Compression::default());
    match logs {
        Logs::CloudWatch { group, stream } => events(cx, group, stream, &mut out).await?,
        Logs::Disabled => printed(executor, job, &mut out).await?,
    }
    for line in last {
        writeln!(out, "{line}").map_err(failed)?;
    }
    out.finish().map_err(failed)?;
    let describe = s3::Describe { content_type: Some("application/gzip".to_owned()), ..s3::Describe::default() };
    match s3::put_file(cx, &place.bucket, &place.key, &path, describe).await {
        Ok(_) => Ok(None),
        Err(e) if e.kind == ErrorKind::Client => Ok(Some(format!("{}: {}", e.code, e.message))),
        Err(e) => Err(PerformError::new("store a build's log", e)),
    }
}

async fn events(cx: &Cx, group: &str, stream: &str, out: &mut impl Write) -> Result<(), PerformError> {
    let mut token = None;
    loop {
        let input = get_log_events::Input {
            log_group_name: Some(group.to_owned()),
            log_group_identifier: None,
            log_stream_name: stream.to_owned(),
            start_time: None,
            end_time: None,
            next_token: token.clone(),
            limit: None,
            start_from_head: true,
        };
        let page = match get_log_events(cx, input).await {
            Ok(page) => page,
            // A build that never printed anything has no stream.
            Err(ApiError { code: "ResourceNotFoundException", .. }) => return Ok(()),
            Err(e) => return Err(PerformError::new("read a build's log", e)),
        };
        if page.events.is_empty() {
            return Ok(());
        }
        for event in &page.events {
            let failed = |e| PerformError::new("write a build's log", e);
            out.write_all(event.message.as_bytes()).map_err(failed)?;
            if !event.message.ends_with('\n') {
                out.write_all(b"\n").map_err(failed)?;
            }
        }
        token = Some(page.next_forward_token);
    }
}

async fn printed(executor: &Arc<dyn Executor>, job: &str, out: &mut impl Write) -> Result<(), PerformError> {
    let mut reports = executor.follow(job, Position(0));
    while let Some(report) = reports.next().await {
        match report {
            Ok(JobReport::Output { text, .. }) => {
                out.write_all(text.as_bytes()).map_err(|e| PerformError::new("write a build's log", e))?;
            }
            Ok(JobReport::Step { .. } | JobReport::Command { .. }) => {}
            Ok(JobReport::Ended(_)) | Err(ExecutorError::UnknownJob(_)) => break,
            Err(e) => return Err(PerformError::new("read what a build's job printed", e)),
        }
    }
    Ok(())
}
