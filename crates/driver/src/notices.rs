//! Notices of rules and of approvals: written when their event is delivered, sent from the outbox.

use devtools::notices;
use futures_util::future::BoxFuture;
use store::Tx;
use store::events::EventRow;
use store::outbox::Claimed;

use crate::{DriverCx, PerformError, Performer, Subscriber};

/// Writes the notices of an event.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoticeWriter;

/// Sends notices.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoticePerformer;

impl Subscriber for NoticeWriter {
    fn name(&self) -> &'static str {
        "notices"
    }

    fn deliver_all<'a>(
        &'a self,
        tx: &'a mut Tx,
        events: &'a [&'a EventRow],
    ) -> BoxFuture<'a, Result<(), store::Error>> {
        Box::pin(notices::on_events(tx, events))
    }
}

impl Performer for NoticePerformer {
    fn kind(&self) -> &'static str {
        notices::NOTICE
    }

    fn perform<'a>(&'a self, cx: &'a DriverCx, claimed: &'a Claimed) -> BoxFuture<'a, Result<(), PerformError>> {
        Box::pin(async move {
            notices::send_notice(&cx.cx, claimed).await.map_err(|e| PerformError::new("send a notice", e))
        })
    }
}
