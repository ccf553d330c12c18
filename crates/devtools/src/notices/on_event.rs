//! Who has something to say of an event.

use store::Tx;
use store::events::EventRow;

use super::approval;
use crate::codestar_notifications;

/// Asks for the notices of an event.
pub async fn on_event(tx: &mut Tx, event: &EventRow) -> Result<(), store::Error> {
    approval::on_event(tx, event).await?;
    codestar_notifications::on_event(tx, event).await
}
