//! Who has something to say of an event.

use std::sync::Arc;

use store::Tx;
use store::events::EventRow;
use store::setback::causes;
use store::tables::codestar_notifications_rule::Row;

use super::approval;
use super::ask::ask_again;
use crate::codestar_notifications as rules;

/// Asks for the notices of these events. One whose notices cannot be written is set back by itself: it is no error, because
/// others hear the event in the same transaction.
pub async fn on_events(tx: &mut Tx, events: &[&EventRow]) -> Result<(), store::Error> {
    let concerns = |event: &&&EventRow| approval::concerns(event) || rules::concerns(event);
    let events: Vec<Arc<EventRow>> = events.iter().filter(concerns).map(|event| Arc::new((*event).clone())).collect();
    if events.is_empty() {
        return Ok(());
    }
    let all = events.clone();
    match tx.attempt(|tx| Box::pin(async move { rules::rules_of(tx, &all).await })).await? {
        Ok(known) => {
            for event in events {
                let asking = rules::that_ask(&known, &event);
                if asking.is_empty() && !approval::concerns(&event) {
                    continue;
                }
                let told = event.clone();
                let outcome = tx.attempt(|tx| Box::pin(async move { tell(tx, &told, asking).await })).await?;
                if let Err(e) = outcome {
                    set_back(tx, &event, &e).await?;
                }
            }
        }
        Err(e) => {
            for event in events {
                set_back(tx, &event, &e).await?;
            }
        }
    }
    Ok(())
}

/// Asks for the notices of an event that was set back.
pub(super) async fn on_event(tx: &mut Tx, event: EventRow) -> Result<(), store::Error> {
    let events = [Arc::new(event)];
    let known = rules::rules_of(tx, &events).await?;
    let [event] = events;
    let asking = rules::that_ask(&known, &event);
    tell(tx, &event, asking).await
}

async fn tell(tx: &mut Tx, event: &EventRow, asking: Vec<Row>) -> Result<(), store::Error> {
    approval::on_event(tx, event).await?;
    rules::tell(tx, event, asking).await
}

async fn set_back(tx: &mut Tx, event: &EventRow, error: &store::Error) -> Result<(), store::Error> {
    tracing::error!(
        event.seq = event.seq,
        error = causes(error),
        "the notices of an event could not be written and are set back"
    );
    ask_again(tx, event).await
}
