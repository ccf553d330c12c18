//! The sweeps of reports, of sandboxes, of logs, of deleted secrets and of temporary credentials.

use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::cx::DriverCx;
use crate::sweep::Sweep;

type Done<'a> = BoxFuture<'a, Result<(), Box<dyn std::error::Error + Send + Sync>>>;

/// Removes log events that are past their group's retention or whose stream was deleted.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogSweep;

impl Sweep for LogSweep {
    fn name(&self) -> &'static str {
        "logs"
    }

    fn every(&self) -> Duration {
        Duration::from_secs(60)
    }

    fn run<'a>(&'a self, cx: &'a DriverCx) -> Done<'a> {
        Box::pin(async move {
            let gone = platform::logs::sweep(&cx.cx.store).await?;
            if gone > 0 {
                tracing::debug!(events = gone, "log events were removed");
            }
            Ok(())
        })
    }
}

/// Removes reports of builds that have expired.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReportSweep;

impl Sweep for ReportSweep {
    fn name(&self) -> &'static str {
        "reports"
    }

    fn every(&self) -> Duration {
        Duration::from_secs(3600)
    }

    fn run<'a>(&'a self, cx: &'a DriverCx) -> Done<'a> {
        Box::pin(async move {
            let gone = devtools::codebuild::sweep_reports(&cx.cx.store).await?;
            if gone > 0 {
                tracing::debug!(reports = gone, "reports that had expired were removed");
            }
            Ok(())
        })
    }
}

/// Removes sandboxes that are over, with the commands that ran in them, when they are older than this.
#[derive(Clone, Copy, Debug)]
pub struct SandboxSweep {
    pub keep: Duration,
}

impl Sweep for SandboxSweep {
    fn name(&self) -> &'static str {
        "sandboxes"
    }

    fn every(&self) -> Duration {
        Duration::from_secs(3600)
    }

    fn run<'a>(&'a self, cx: &'a DriverCx) -> Done<'a> {
        Box::pin(async move {
            let gone = devtools::codebuild::sweep_sandboxes(&cx.cx.store, self.keep).await?;
            if gone > 0 {
                tracing::info!(sandboxes = gone, "sandboxes that ended long ago were removed");
            }
            Ok(())
        })
    }
}

/// Removes deleted secrets that can be restored no longer.
#[derive(Clone, Copy, Debug, Default)]
pub struct SecretSweep;

impl Sweep for SecretSweep {
    fn name(&self) -> &'static str {
        "secrets"
    }

    fn every(&self) -> Duration {
        Duration::from_secs(3600)
    }

    fn run<'a>(&'a self, cx: &'a DriverCx) -> Done<'a> {
        Box::pin(async move {
            let gone = platform::secretsmanager::sweep(&cx.cx.store).await?;
            if gone > 0 {
                tracing::info!(secrets = gone, "deleted secrets were removed for good");
            }
            Ok(())
        })
    }
}

/// Removes temporary credentials that ended more than a day ago.
#[derive(Clone, Copy, Debug, Default)]
pub struct SessionSweep;

impl Sweep for SessionSweep {
    fn name(&self) -> &'static str {
        "sessions"
    }

    fn every(&self) -> Duration {
        Duration::from_secs(600)
    }

    fn run<'a>(&'a self, cx: &'a DriverCx) -> Done<'a> {
        Box::pin(async move {
            platform::iam::sweep_sessions(&cx.cx.store).await?;
            Ok(())
        })
    }
}
