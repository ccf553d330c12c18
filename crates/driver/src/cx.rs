//! What a performer gets to work with.

use std::sync::Arc;

use base::Scope;
use executor::Executor;
use platform::Cx;

/// The context of one effect.
#[derive(Clone)]
pub struct DriverCx {
    /// Acts as the service itself, in the account and region of the effect's row.
    pub cx: Cx,
    pub executor: Arc<dyn Executor>,
}

impl DriverCx {
    /// The same, for a row of `scope`.
    pub(crate) fn in_scope(&self, scope: &Scope) -> DriverCx {
        DriverCx { cx: self.cx.as_service("headworks", scope), executor: self.executor.clone() }
    }
}
