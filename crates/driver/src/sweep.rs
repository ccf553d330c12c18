//! Work that comes round by the clock: retention, garbage.

use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::cx::DriverCx;

/// Something to do at start and then every so often.
pub trait Sweep: Send + Sync {
    /// Its name, for the log.
    fn name(&self) -> &'static str;

    /// The pause between two runs.
    fn every(&self) -> Duration;

    /// One run. An error is logged; the next run comes as ever.
    fn run<'a>(&'a self, cx: &'a DriverCx) -> BoxFuture<'a, Result<(), Box<dyn std::error::Error + Send + Sync>>>;
}
