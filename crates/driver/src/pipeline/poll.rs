//! Polling of sources elsewhere: what a branch is at, about once a minute.

use std::sync::Arc;
use std::time::Duration;

use devtools::codepipeline::{PolledSource, polled, polled_sources};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;

use super::Trouble;
use super::git_source::place_of;
use crate::scratch::Scratch;
use crate::{DriverCx, Sweep};

const EVERY: Duration = Duration::from_secs(60);
/// Servers that are asked at the same time.
const AT_ONCE: usize = 8;

/// Looks at the sources that are polled.
#[derive(Clone, Copy, Debug, Default)]
pub struct PollSweep;

impl Sweep for PollSweep {
    fn name(&self) -> &'static str {
        "sources"
    }

    fn every(&self) -> Duration {
        EVERY
    }

    fn run<'a>(&'a self, cx: &'a DriverCx) -> BoxFuture<'a, Result<(), Box<dyn std::error::Error + Send + Sync>>> {
        Box::pin(async move {
            let sources = polled_sources(&cx.cx).await?;
            let cx = Arc::new(cx.clone());
            let looks = futures_util::stream::iter(sources).for_each_concurrent(AT_ONCE, |source| {
                let cx = cx.clone();
                async move { look(&cx, source).await }
            });
            looks.await;
            Ok(())
        })
    }
}

/// A source that cannot be looked at must not hold up the others, nor end any pipeline.
async fn look(cx: &DriverCx, source: PolledSource) {
    let cx = cx.in_scope(&source.scope).cx;
    match newest(&cx, &source).await {
        Ok(revision) => {
            if let Err(e) = polled(&cx, &source, &revision).await {
                tracing::error!(error = %e, pipeline.name = source.pipeline, "a polled source's revision is not noted");
            }
        }
        Err(Trouble::Users { message, .. }) => {
            tracing::warn!(pipeline.name = source.pipeline, why = message, "a source cannot be polled");
        }
        Err(Trouble::Ours(e)) => {
            tracing::warn!(error = %e, pipeline.name = source.pipeline, "a source cannot be polled now");
        }
    }
}

async fn newest(cx: &platform::Cx, source: &PolledSource) -> Result<String, Trouble> {
    let (pipeline, stage, action) = (&source.pipeline, &source.stage, &source.action);
    let place = place_of(cx, (pipeline, stage, action), &source.host, &source.repository).await?;
    let scope = &source.scope;
    let scratch = Scratch::new(cx, &format!("poll {}/{}/{pipeline}/{action}", scope.account, scope.region))?;
    let branch = &source.branch;
    let version = if branch.starts_with("refs/") { branch.clone() } else { format!("refs/heads/{branch}") };
    let found = place.remote(&version, None).look(&scratch.path().join("look")).await;
    found.map_err(|e| place.trouble(e))
}
