//! Collecting content that a crash left without a row.

use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::cx::DriverCx;
use crate::sweep::Sweep;

/// Removes content that no object names. Once after a start is enough; a day later it finds nothing.
pub struct ContentSweep;

impl Sweep for ContentSweep {
    fn name(&self) -> &'static str {
        "content"
    }

    fn every(&self) -> Duration {
        Duration::from_secs(24 * 3600)
    }

    fn run<'a>(&'a self, cx: &'a DriverCx) -> BoxFuture<'a, Result<(), Box<dyn std::error::Error + Send + Sync>>> {
        Box::pin(async {
            let files = platform::s3::sweep(&cx.cx.store, &cx.cx.objects).await?;
            if files > 0 {
                tracing::info!(files, "content that an earlier crash left behind was deleted");
            }
            Ok(())
        })
    }
}
