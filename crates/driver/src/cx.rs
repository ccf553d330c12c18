//! What a performer gets to work with.

use base::Scope;
use platform::Cx;

/// The context of one effect.
#[derive(Clone)]
pub struct DriverCx {
    /// Acts as the service itself, in the account and region of the effect's row.
    pub cx: Cx,
}

impl DriverCx {
    /// The same, for a row of `scope`.
    pub(crate) fn in_scope(&self, scope: &Scope) -> DriverCx {
        DriverCx { cx: self.cx.as_service("headworks", scope) }
    }
}
