//! What a performer gets to work with.

use std::sync::Arc;

use base::Scope;
use executor::Executor;
use platform::Cx;
use tokio::sync::watch;

/// The context of one effect.
#[derive(Clone)]
pub struct DriverCx {
    /// Acts as the service itself, in the account and region of the effect's row.
    pub cx: Cx,
    pub executor: Arc<dyn Executor>,
    /// Tells that the server stops.
    pub stopping: Stopping,
}

/// Tells that the server stops: whoever only waits then waits no longer. Without a driver it never does.
#[derive(Clone, Debug, Default)]
pub struct Stopping(Option<watch::Receiver<bool>>);

impl Stopping {
    pub(crate) fn of(stop: watch::Receiver<bool>) -> Self {
        Stopping(Some(stop))
    }

    /// Ends when the server begins to stop.
    pub async fn begun(&self) {
        if let Some(mut stop) = self.0.clone()
            && stop.wait_for(|stop| *stop).await.is_ok()
        {
            return;
        }
        std::future::pending().await
    }
}

impl DriverCx {
    /// For a driver, which adds how it is stopped.
    pub fn new(cx: Cx, executor: Arc<dyn Executor>) -> Self {
        DriverCx { cx, executor, stopping: Stopping::default() }
    }

    /// The same, for a row of `scope`.
    pub(crate) fn in_scope(&self, scope: &Scope) -> DriverCx {
        DriverCx { cx: self.cx.as_service("headworks", scope), ..self.clone() }
    }
}
