//! Work that comes before all else.

use futures_util::future::BoxFuture;

use crate::cx::DriverCx;

/// Something to do when the driver starts, before it claims an effect or fires a timer.
pub trait First: Send + Sync {
    /// Its name, for the log.
    fn name(&self) -> &'static str;

    /// Does it, for the driver `owner`, whose effects of the last run are still held under its name. After an error it is
    /// called again, until it succeeds: nothing else begins before.
    fn run<'a>(&'a self, cx: &'a DriverCx, owner: &'a str) -> BoxFuture<'a, Result<(), store::Error>>;
}
