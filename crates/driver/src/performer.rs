//! Performing one kind of machine's effects.

use std::error::Error;
use std::fmt;

use futures_util::future::BoxFuture;
use store::outbox::Claimed;

use crate::cx::DriverCx;

/// Performs the effects of one machine.
///
/// `perform` may be called again for the same effect after a crash or a lost lease, so it is idempotent by
/// `claimed.key`. It ends with ONE transaction that hands the result to `store::advance` and calls
/// `store::outbox::finish`. A user's mistake is a result, never an error. It may run for as long as the work
/// takes (a job runs for hours); the driver keeps its lease. When the server stops, the future is dropped.
pub trait Performer: Send + Sync {
    /// The machine's kind, `Machine::KIND`.
    fn kind(&self) -> &'static str;

    /// Does the work and reports the result.
    fn perform<'a>(&'a self, cx: &'a DriverCx, claimed: &'a Claimed) -> BoxFuture<'a, Result<(), PerformError>>;
}

/// The effect could not be done *now*: it is claimed again later, with growing delay.
#[derive(Debug)]
pub struct PerformError {
    doing: String,
    source: Box<dyn Error + Send + Sync>,
}

impl PerformError {
    /// `doing` completes "cannot ...".
    pub fn new(doing: impl Into<String>, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        PerformError { doing: doing.into(), source: source.into() }
    }
}

impl fmt::Display for PerformError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}", self.doing)
    }
}

impl Error for PerformError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}

impl From<store::Error> for PerformError {
    fn from(e: store::Error) -> Self {
        PerformError::new("write the result", e)
    }
}
