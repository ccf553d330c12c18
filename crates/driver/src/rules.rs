//! Delivery of events to the targets of rules.

use futures_util::future::BoxFuture;
use platform::Cx;
use store::events::EventRow;
use store::{Error, Tx};

use crate::Subscriber;

/// Starts what rules are for. It must hear an event before [`PipelineStarter`](crate::PipelineStarter) does: an execution that both
/// start tells of the rule.
#[derive(Clone)]
pub struct RuleTargets {
    cx: Cx,
}

impl RuleTargets {
    /// Starts builds in this installation.
    pub fn new(cx: Cx) -> Self {
        RuleTargets { cx }
    }
}

impl Subscriber for RuleTargets {
    fn name(&self) -> &'static str {
        "rules"
    }

    fn deliver<'a>(&'a self, tx: &'a mut Tx, event: &'a EventRow) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(devtools::rules::deliver(&self.cx, tx, event))
    }
}
