//! Delivery of events to the targets of rules.

use futures_util::future::BoxFuture;
use platform::Cx;
use platform::events::{Patterns, replan};
use store::events::EventRow;
use store::tables::events_rule;
use store::{Error, Tx};

use crate::cx::DriverCx;
use crate::{First, Subscriber};

/// Starts what rules are for. It must hear an event before [`PipelineStarter`](crate::PipelineStarter) does: an execution that both
/// start tells of the rule.
#[derive(Clone)]
pub struct RuleTargets {
    cx: Cx,
    patterns: Patterns,
}

impl RuleTargets {
    /// Starts builds in this installation.
    pub fn new(cx: Cx) -> Self {
        RuleTargets { cx, patterns: Patterns::default() }
    }
}

impl Subscriber for RuleTargets {
    fn name(&self) -> &'static str {
        "rules"
    }

    fn deliver<'a>(&'a self, tx: &'a mut Tx, event: &'a EventRow) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(devtools::rules::deliver(&self.cx, &self.patterns, tx, event))
    }
}

/// Plans schedules anew that were planned by a clock that was ahead, when the server starts.
#[derive(Clone, Copy, Debug, Default)]
pub struct ScheduleReplan;

impl First for ScheduleReplan {
    fn name(&self) -> &'static str {
        "plan schedules"
    }

    fn run<'a>(&'a self, cx: &'a DriverCx, _: &'a str) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(replan_all(&cx.cx))
    }
}

async fn replan_all(cx: &Cx) -> Result<(), Error> {
    let machines = events_rule::machines(&mut cx.store.read().await?).await?;
    for machine in machines {
        let told = cx.store.write(move |tx| {
            let machine = machine.clone();
            Box::pin(async move { Ok::<_, Error>((replan(tx, &machine).await, machine)) })
        });
        // A schedule that cannot be planned must not keep all else from going on.
        if let (Err(error), machine) = told.await? {
            tracing::error!(%error, machine.id = machine, "a schedule cannot be planned anew");
        }
    }
    Ok(())
}
