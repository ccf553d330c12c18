//! Delivery of stored events to whoever listens inside this program.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use store::events::{self, EventRow};
use store::{Error, Store, Tx};

/// Events taken from the table at once.
const BATCH: u32 = 64;

/// Hears every event once: what it writes and the mark "published" are one transaction.
pub trait Subscriber: Send + Sync {
    /// Its name, for the log.
    fn name(&self) -> &'static str;

    /// Takes one event. Must be quick: it writes rows and inputs, nothing else.
    fn deliver<'a>(&'a self, tx: &'a mut Tx, event: &'a EventRow) -> BoxFuture<'a, Result<(), Error>>;
}

/// Delivers what is pending. True when there may be more.
pub(crate) async fn publish(store: &Store, subscribers: &Arc<Vec<Arc<dyn Subscriber>>>) -> Result<bool, Error> {
    let pending = {
        let mut tx = store.read().await?;
        events::pending(&mut tx, BATCH).await?
    };
    let full = pending.len() == BATCH as usize;
    if pending.is_empty() || deliver(store, subscribers, pending.clone()).await.is_ok() {
        return Ok(full);
    }
    // One that cannot be delivered must not hold up the others.
    let mut delivered = 0_usize;
    for event in pending {
        let id = event.id.clone();
        match deliver(store, subscribers, vec![event]).await {
            Ok(()) => delivered += 1,
            Err(e) => tracing::error!(error = %e, event.id = %id, "an event was not delivered; it stays pending"),
        }
    }
    Ok(full && delivered > 0)
}

/// Delivers all of these in one transaction, or none.
async fn deliver(
    store: &Store,
    subscribers: &Arc<Vec<Arc<dyn Subscriber>>>,
    events: Vec<EventRow>,
) -> Result<(), Error> {
    let (subscribers, events) = (subscribers.clone(), Arc::new(events));
    store
        .write(move |tx| {
            let (subscribers, events) = (subscribers.clone(), events.clone());
            Box::pin(async move {
                let seqs: Vec<i64> = events.iter().map(|event| event.seq).collect();
                let ours = events::mark_all_published(tx, &seqs).await?;
                for event in events.iter().filter(|event| ours.contains(&event.seq)) {
                    for subscriber in subscribers.iter() {
                        subscriber.deliver(tx, event).await?;
                    }
                }
                Ok(())
            })
        })
        .await
}
