//! Delivery of stored events to whoever listens inside this program.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use store::events::{self, EventRow, Pending};
use store::{Error, Store, Tx};

/// Events taken from the table at once.
const BATCH: u32 = 64;

/// Hears every event once, by one of two ways: what it writes and the mark "published" are one transaction.
pub trait Subscriber: Send + Sync {
    /// Its name, for the log.
    fn name(&self) -> &'static str;

    /// Takes one event. Must be quick: it writes rows and inputs, nothing else.
    fn deliver<'a>(&'a self, _: &'a mut Tx, _: &'a EventRow) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Takes the events of one transaction together, before each is delivered by itself: for who then needs to read less.
    fn deliver_all<'a>(&'a self, _: &'a mut Tx, _: &'a [&'a EventRow]) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// Delivers what is pending. True when there may be more.
pub(crate) async fn publish(store: &Store, subscribers: &Arc<Vec<Arc<dyn Subscriber>>>) -> Result<bool, Error> {
    let pending = {
        let mut tx = store.read().await?;
        events::deliverable(&mut tx, BATCH).await?
    };
    if pending.is_empty() {
        return Ok(false);
    }
    let full = pending.len() == BATCH as usize;
    let readable: Option<Vec<EventRow>> = pending.iter().map(|p| p.event.as_ref().ok().cloned()).collect();
    if let Some(events) = readable
        && deliver(store, subscribers, events).await.is_ok()
    {
        return Ok(full);
    }
    // One that cannot be delivered must not hold up the others, but for those that come after it in its lane.
    let mut held = BTreeSet::new();
    for Pending { seq, lane, account, event } in pending {
        let lane = (account, lane);
        if held.contains(&lane) {
            continue;
        }
        let delivered = match event {
            Ok(event) => deliver(store, subscribers, vec![event]).await,
            Err(e) => Err(e),
        };
        match delivered {
            Ok(()) => {}
            Err(e) if e.is_passing() => return Err(e),
            Err(e) => {
                set_back(store, seq, &e).await?;
                held.extend(Some(lane).filter(|(_, lane)| !lane.is_empty()));
            }
        }
    }
    Ok(full)
}

async fn set_back(store: &Store, seq: i64, error: &Error) -> Result<(), Error> {
    let set = store.write(move |tx| Box::pin(async move { events::set_back(tx, seq).await }));
    let pause = set.await?;
    let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    tracing::error!(
        error = %error, cause, event.seq = seq, retry_in_seconds = pause.as_secs(),
        "an event could not be delivered and is set back"
    );
    Ok(())
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
                let ours: Vec<&EventRow> = events.iter().filter(|event| ours.contains(&event.seq)).collect();
                for subscriber in subscribers.iter() {
                    subscriber.deliver_all(tx, &ours).await?;
                }
                for event in ours {
                    for subscriber in subscribers.iter() {
                        subscriber.deliver(tx, event).await?;
                    }
                }
                Ok(())
            })
        })
        .await
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Duration;

    use base::Event;
    use store::Machines;
    use store::setback::{Held, held};
    use store::testing::{TestStore, each_engine};

    use super::*;

    /// Takes everything but what is called `bad`, and that too once it is mended.
    #[derive(Default)]
    struct Picky {
        heard: Mutex<Vec<String>>,
        mended: Mutex<bool>,
    }

    impl Subscriber for Picky {
        fn name(&self) -> &'static str {
            "picky"
        }

        fn deliver<'a>(&'a self, _: &'a mut Tx, event: &'a EventRow) -> BoxFuture<'a, Result<(), Error>> {
            Box::pin(async move {
                if event.event.detail_type == "bad" && !*self.mended.lock().unwrap() {
                    return Err(Error::UnknownMachine { kind: "bad".to_owned() });
                }
                self.heard.lock().unwrap().push(event.id.clone());
                Ok(())
            })
        }
    }

    async fn append(test: &TestStore, events: &'static [(&'static str, &'static str, &'static str)]) {
        let scope = platform::testing::cx(test).caller.scope;
        let append = test.store.write(move |tx| {
            let scope = scope.clone();
            Box::pin(async move {
                for (id, detail_type, lane) in events {
                    let event = Event {
                        source: "test".to_owned(),
                        detail_type: (*detail_type).to_owned(),
                        resources: Some(*lane).filter(|l| !l.is_empty()).map(str::to_owned).into_iter().collect(),
                        detail: serde_json::Value::Null,
                    };
                    events::append(tx, &scope, &event, id).await?;
                }
                Ok::<_, Error>(())
            })
        });
        append.await.unwrap();
    }

    async fn publish_all(test: &TestStore, picky: &Arc<Picky>) -> Vec<String> {
        let subscribers: Arc<Vec<Arc<dyn Subscriber>>> = Arc::new(vec![picky.clone()]);
        // In the manner of the driver, which comes back when a batch was full and at the latest after a tick.
        for _ in 0..4 {
            publish(&test.store, &subscribers).await.unwrap();
        }
        std::mem::take(&mut *picky.heard.lock().unwrap())
    }

    #[tokio::test]
    async fn a_batch_of_undeliverable_events_does_not_block_those_behind_it() {
        each_engine(Machines::new(), |test| async move {
            let picky = Arc::new(Picky::default());
            let bad: Vec<_> = (0..BATCH + 1).map(|n| (&*format!("bad-{n}").leak(), "bad", "")).collect();
            append(&test, bad.leak()).await;
            append(&test, &[("good", "fine", "")]).await;
            assert_eq!(publish_all(&test, &picky).await, ["good"]);
            let mut tx = test.store.read().await.unwrap();
            assert_eq!(held(&mut tx).await.unwrap(), Held { events: i64::from(BATCH) + 1, ..Held::default() });
            drop(tx);
            *picky.mended.lock().unwrap() = true;
            assert!(publish_all(&test, &picky).await.is_empty(), "they wait for their time");
            test.clock.advance(Duration::from_secs(1));
            assert_eq!(publish_all(&test, &picky).await.len(), BATCH as usize + 1);
        })
        .await;
    }

    #[tokio::test]
    async fn events_of_one_resource_keep_their_order_until_one_has_failed_for_long() {
        each_engine(Machines::new(), |test| async move {
            let picky = Arc::new(Picky::default());
            append(&test, &[("a1", "bad", "a"), ("a2", "fine", "a"), ("b1", "fine", "b")]).await;
            assert_eq!(publish_all(&test, &picky).await, ["b1"]);
            append(&test, &[("a3", "fine", "a")]).await;
            assert!(publish_all(&test, &picky).await.is_empty(), "those behind it wait with it");
            *picky.mended.lock().unwrap() = true;
            test.clock.advance(Duration::from_secs(1));
            assert_eq!(publish_all(&test, &picky).await, ["a1", "a2", "a3"]);
            *picky.mended.lock().unwrap() = false;
            append(&test, &[("a4", "bad", "a"), ("a5", "fine", "a")]).await;
            for _ in 0..6 {
                assert!(publish_all(&test, &picky).await.is_empty());
                test.clock.advance(Duration::from_secs(20));
            }
            assert_eq!(publish_all(&test, &picky).await, ["a5"]);
        })
        .await;
    }
}
