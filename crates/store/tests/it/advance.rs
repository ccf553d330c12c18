//! `advance` commits all of a step or nothing.

use std::time::Duration;

use base::{Effect, Event, Machine, Scope, Step, Tell, TimerChange, Timestamp};
use serde::{Deserialize, Serialize};
use store::machine::{self, Missed, NewMachine};
use store::testing::{TestStore, each_engine};
use store::{AdvanceError, Error, Machines, Tx, advance, args, events, outbox, replay, setback, timers};

/// Counts, and tells its peer about every number.
struct Counter;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Count {
    n: u32,
    peer: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum In {
    Add(u32),
    Wait,
    /// Changes nothing.
    Stay,
    Panic,
}

impl Machine for Counter {
    const KIND: &'static str = "counter";
    type State = Count;
    type Input = In;
    type Effect = String;
    type Refusal = String;

    fn step(state: &Count, input: In, now: Timestamp) -> Result<Step<Self>, String> {
        let mut next = state.clone();
        match input {
            In::Add(n) if state.n + n > 10 => Err(format!("{} is too much", state.n + n)),
            In::Add(0) => {
                let tells = state.peer.iter().map(|p| Tell::to::<Counter>(p.clone(), &In::Add(0))).collect();
                Ok(Step { tells, ..Step::to(next) })
            }
            In::Add(n) => {
                next.n += n;
                let mut step = Step::to(next.clone());
                step.effects.push(Effect { key: format!("print-{}", next.n), effect: format!("print {}", next.n) });
                step.timers.push(TimerChange::clear("wait"));
                step.tells.extend(state.peer.iter().map(|p| Tell::to::<Counter>(p.clone(), &In::Add(n))));
                step.events.push(Event {
                    source: "test".into(),
                    detail_type: "Added".into(),
                    resources: vec![],
                    detail: next.n.into(),
                });
                Ok(step)
            }
            In::Stay => Ok(Step::to(next)),
            In::Panic => panic!("a bug of the machine"),
            In::Wait => {
                let mut step = Step::to(next);
                step.timers.push(TimerChange::set::<Counter>("wait", now + Duration::from_secs(60), &In::Add(3)));
                Ok(step)
            }
        }
    }

    fn status(_: &Count) -> &'static str {
        "Counting"
    }
}

fn scope() -> Scope {
    Scope {
        account: base::AccountId::parse("123456789012").unwrap(),
        region: base::Region::parse("eu-central-1").unwrap(),
    }
}

async fn make(tx: &mut Tx, id: &str, peer: Option<&str>) -> Result<(), Error> {
    let state = Count { n: 0, peer: peer.map(str::to_owned) };
    machine::create::<Counter>(tx, NewMachine { id: id.into(), scope: scope(), parent: String::new(), state }).await
}

async fn add(t: &TestStore, id: &'static str, n: u32) -> Result<u32, AdvanceError<String>> {
    t.store.write(move |tx| Box::pin(async move { Ok(advance::<Counter>(tx, id, In::Add(n)).await?.state.n) })).await
}

async fn count(t: &TestStore, id: &str) -> u32 {
    let mut tx = t.store.read().await.unwrap();
    machine::get::<Counter>(&mut tx, id).await.unwrap().unwrap().state.n
}

async fn two_counters(t: &TestStore) {
    t.store
        .write(|tx| {
            Box::pin(async move {
                make(tx, "a", Some("b")).await?;
                make(tx, "b", None).await
            })
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn a_step_and_the_steps_that_it_tells_of_are_one_commit() {
    each_engine(Machines::new().with::<Counter>(), |t| async move {
        two_counters(&t).await;
        assert_eq!(add(&t, "a", 4).await.unwrap(), 4);
        assert_eq!((count(&t, "a").await, count(&t, "b").await), (4, 4));
        let mut tx = t.store.read().await.unwrap();
        assert_eq!(outbox::depth(&mut tx).await.unwrap().rows, 2);
        let told = events::pending(&mut tx, 10).await.unwrap();
        assert_eq!(told.len(), 2);
        assert_eq!(told[0].envelope()["detail"], 4);
        assert_eq!(replay::<Counter>(&mut tx, "b").await.unwrap().unwrap().n, 4);
    })
    .await;
}

#[tokio::test]
async fn a_refused_input_changes_nothing_and_a_refused_tell_does_not_undo_the_teller() {
    each_engine(Machines::new().with::<Counter>(), |t| async move {
        two_counters(&t).await;
        add(&t, "b", 8).await.unwrap();
        assert!(matches!(add(&t, "b", 8).await, Err(AdvanceError::Refused(why)) if why == "16 is too much"));
        assert_eq!(count(&t, "b").await, 8);
        add(&t, "a", 5).await.unwrap();
        assert_eq!((count(&t, "a").await, count(&t, "b").await), (5, 8));
        assert!(matches!(add(&t, "nobody", 1).await, Err(AdvanceError::NotFound)));
    })
    .await;
}

#[tokio::test]
async fn steps_are_counted_when_they_are_committed_and_only_then() {
    each_engine(Machines::new().with::<Counter>(), |t| async move {
        two_counters(&t).await;
        assert!(machine::transitions(&t.store).is_empty());
        add(&t, "a", 4).await.unwrap();
        let undone: Result<(), Error> = t
            .store
            .write(|tx| {
                Box::pin(async move {
                    let _ = advance::<Counter>(tx, "b", In::Add(1)).await;
                    Err(Error::Closed)
                })
            })
            .await;
        assert!(undone.is_err());
        assert_eq!(machine::transitions(&t.store), [("counter".to_owned(), "Counting", 2)]);
    })
    .await;
}

#[tokio::test]
async fn inputs_that_are_refused_or_change_nothing_are_counted() {
    each_engine(Machines::new().with::<Counter>(), |t| async move {
        two_counters(&t).await;
        add(&t, "b", 8).await.unwrap();
        assert!(machine::missed(&t.store).is_empty());
        assert!(add(&t, "b", 8).await.is_err());
        // The tell to b is refused, too.
        add(&t, "a", 5).await.unwrap();
        let stay = t.store.write(|tx| Box::pin(async move { advance::<Counter>(tx, "a", In::Stay).await }));
        stay.await.unwrap();
        let counter = || "counter".to_owned();
        assert_eq!(machine::missed(&t.store), [(counter(), Missed::Refused, 2), (counter(), Missed::Stale, 1)]);
    })
    .await;
}

#[tokio::test]
async fn a_tell_that_changes_nothing_leaves_no_trace() {
    each_engine(Machines::new().with::<Counter>(), |t| async move {
        two_counters(&t).await;
        add(&t, "a", 4).await.unwrap();
        let version = async || {
            let mut tx = t.store.read().await.unwrap();
            machine::get::<Counter>(&mut tx, "b").await.unwrap().unwrap().version
        };
        assert_eq!(version().await, 1);
        // The peer of a hears of nothing that was added.
        add(&t, "a", 0).await.unwrap();
        assert_eq!(version().await, 1);
        assert_eq!(machine::missed(&t.store), [("counter".to_owned(), Missed::Stale, 1)]);
        assert_eq!(add(&t, "b", 3).await.unwrap(), 7);
        let mut tx = t.store.read().await.unwrap();
        assert_eq!(replay::<Counter>(&mut tx, "b").await.unwrap().unwrap().n, 7);
    })
    .await;
}

#[tokio::test]
async fn a_due_timer_fires_once_and_a_cleared_one_never() {
    each_engine(Machines::new().with::<Counter>(), |t| async move {
        two_counters(&t).await;
        let wait =
            || t.store.write(|tx| Box::pin(async move { advance::<Counter>(tx, "b", In::Wait).await.map(|_| ()) }));
        let fire = || t.store.write(|tx| Box::pin(async move { timers::fire_due(tx, 10).await }));
        wait().await.unwrap();
        assert_eq!(fire().await.unwrap(), 0);
        t.clock.advance(Duration::from_secs(61));
        assert_eq!(fire().await.unwrap(), 1);
        assert_eq!(fire().await.unwrap(), 0);
        assert_eq!(count(&t, "b").await, 3);
        wait().await.unwrap();
        add(&t, "b", 1).await.unwrap();
        t.clock.advance(Duration::from_secs(61));
        assert_eq!(fire().await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_timer_that_cannot_be_fired_is_set_back_and_the_others_fire() {
    each_engine(Machines::new().with::<Counter>(), |t| async move {
        two_counters(&t).await;
        t.store
            .write(|tx| {
                Box::pin(async move {
                    for (n, (kind, id, input)) in [
                        ("counter", "a", "{not json"),
                        ("counter", "a", r#"{"Subtract":1}"#),
                        ("unknown", "a", r#"{"Add":1}"#),
                        ("counter", "a", "\"Panic\""),
                        ("counter", "b", r#"{"Add":1}"#),
                        ("counter", "b", r#"{"Add":11}"#),
                        ("counter", "b", r#"{"Add":2}"#),
                    ]
                    .into_iter()
                    .enumerate()
                    {
                        let (key, due) = (format!("t{n}"), tx.now());
                        let sql = "INSERT INTO timer (kind, machine_id, key, due, input) VALUES ($1, $2, $3, $4, $5)";
                        tx.execute(sql, args![kind, id, key, due, input]).await?;
                    }
                    Ok::<_, Error>(())
                })
            })
            .await
            .unwrap();
        let fire = || t.store.write(|tx| Box::pin(async move { timers::fire_due(tx, 10).await }));
        assert_eq!(fire().await.unwrap(), 7);
        assert_eq!((count(&t, "a").await, count(&t, "b").await), (0, 3), "what is good has happened, and nothing else");
        assert_eq!(fire().await.unwrap(), 0, "what is bad waits");
        let held = || async { setback::held(&mut t.store.read().await.unwrap()).await.unwrap().timers };
        assert_eq!(held().await, 4);
        t.clock.advance(Duration::from_millis(600));
        assert_eq!(fire().await.unwrap(), 4);
        t.clock.advance(Duration::from_millis(600));
        assert_eq!((fire().await.unwrap(), held().await), (0, 4), "and longer after each try");
    })
    .await;
}

#[tokio::test]
async fn an_effect_that_cannot_be_read_does_not_hold_up_the_others() {
    each_engine(Machines::new().with::<Counter>(), |t| async move {
        two_counters(&t).await;
        add(&t, "b", 1).await.unwrap();
        let spoil =
            t.store.write(|tx| Box::pin(async move { tx.execute("UPDATE outbox SET effect = '{'", &[]).await }));
        spoil.await.unwrap();
        add(&t, "b", 1).await.unwrap();
        let claim = || outbox::claim(&t.store, "me", 10, Duration::from_secs(30));
        let keys: Vec<_> = claim().await.unwrap().into_iter().map(|c| c.key).collect();
        assert_eq!(keys, ["print-2"]);
        assert!(claim().await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn only_the_newest_claim_may_finish_an_effect() {
    each_engine(Machines::new().with::<Counter>(), |t| async move {
        two_counters(&t).await;
        add(&t, "b", 1).await.unwrap();
        let lease = Duration::from_secs(30);
        let old = outbox::claim(&t.store, "one", 10, lease).await.unwrap();
        assert_eq!((old.len(), old[0].key.as_str(), old[0].attempts), (1, "print-1", 1));
        assert!(outbox::claim(&t.store, "two", 10, lease).await.unwrap().is_empty());
        t.clock.advance(Duration::from_secs(31));
        let new = outbox::claim(&t.store, "two", 10, lease).await.unwrap();
        let finish = |claimed: outbox::Claimed| {
            t.store.write(move |tx| {
                let claimed = claimed.clone();
                Box::pin(async move { outbox::finish(tx, &claimed).await })
            })
        };
        assert!(matches!(finish(old[0].clone()).await, Err(Error::LeaseLost { .. })));
        finish(new[0].clone()).await.unwrap();
        let mut tx = t.store.read().await.unwrap();
        assert_eq!(outbox::depth(&mut tx).await.unwrap().rows, 0);
    })
    .await;
}

#[tokio::test]
async fn a_restarted_owner_gets_its_effects_back_at_once() {
    each_engine(Machines::new().with::<Counter>(), |t| async move {
        two_counters(&t).await;
        add(&t, "b", 1).await.unwrap();
        for _ in 0..10 {
            let claimed = outbox::claim(&t.store, "me", 10, Duration::from_secs(600)).await.unwrap();
            assert_eq!((claimed.len(), claimed[0].attempts), (1, 1), "a killed server has tried nothing that failed");
            t.store.write(|tx| Box::pin(async move { outbox::release(tx, "me").await })).await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn lists_resume_where_they_stopped_in_both_directions() {
    each_engine(Machines::new().with::<Counter>(), |t| async move {
        for id in ["x1", "x2", "x3"] {
            t.store.write(move |tx| Box::pin(async move { make(tx, id, None).await })).await.unwrap();
            t.clock.advance(Duration::from_secs(1));
        }
        let mut tx = t.store.read().await.unwrap();
        for (newest_first, expected) in [(true, ["x3", "x2", "x1"]), (false, ["x1", "x2", "x3"])] {
            let mut seen = Vec::new();
            let mut after = None;
            loop {
                let scope = scope();
                let page = machine::list::<Counter>(&mut tx, &scope, Some(""), after.as_ref(), 2, newest_first);
                let page = page.await.unwrap();
                let Some(last) = page.last() else { break };
                after = Some(last.position());
                seen.extend(page.into_iter().map(|row| row.id));
            }
            assert_eq!(seen, expected);
        }
    })
    .await;
}

#[tokio::test]
async fn clearing_leaves_a_store_that_works() {
    each_engine(Machines::new().with::<Counter>(), |t| async move {
        two_counters(&t).await;
        add(&t, "a", 1).await.unwrap();
        t.store.clear().await.unwrap();
        let mut tx = t.store.read().await.unwrap();
        assert_eq!(outbox::depth(&mut tx).await.unwrap().rows, 0);
        assert!(machine::get::<Counter>(&mut tx, "a").await.unwrap().is_none());
        two_counters(&t).await;
    })
    .await;
}
