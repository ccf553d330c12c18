//! Effects in line are performed one after the other, and none holds up the others for ever.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base::Scope;
use futures_util::future::join_all;
use serde_json::json;
use store::outbox::{self, Claimed};
use store::testing::{TestStore, each_engine};
use store::{Machines, args, line, setback};

const KIND: &str = "weighing";

fn scope() -> Scope {
    Scope {
        account: base::AccountId::parse("123456789012").unwrap(),
        region: base::Region::parse("eu-central-1").unwrap(),
    }
}

async fn join(t: &TestStore, id: &'static str, key: &str) {
    let key = key.to_owned();
    let join = t.store.write(move |tx| {
        let key = key.clone();
        Box::pin(async move { line::join(tx, KIND, id, &scope(), &key, &json!({})).await })
    });
    join.await.unwrap();
}

async fn claim(t: &TestStore) -> Vec<Claimed> {
    let mut claimed = outbox::claim(&t.store, "me", 100, Duration::from_secs(30)).await.unwrap();
    claimed.sort_by(|a, b| (&a.machine_id, &a.key).cmp(&(&b.machine_id, &b.key)));
    claimed
}

fn keys(claimed: &[Claimed]) -> Vec<&str> {
    claimed.iter().map(|c| c.key.as_str()).collect()
}

async fn finish(t: &TestStore, claimed: &Claimed) {
    let claimed = claimed.clone();
    let finish = t.store.write(move |tx| {
        let claimed = claimed.clone();
        Box::pin(async move { line::finish(tx, &claimed).await })
    });
    finish.await.unwrap();
}

/// As the driver does with what could not be performed.
async fn fail(t: &TestStore, claimed: &Claimed) {
    let claimed = claimed.clone();
    let give_back = t.store.write(move |tx| {
        let claimed = claimed.clone();
        Box::pin(async move { outbox::retry_later(tx, &claimed, setback::pause(claimed.attempts)).await })
    });
    give_back.await.unwrap();
}

async fn step_aside(t: &TestStore, claimed: &Claimed) {
    let claimed = claimed.clone();
    let aside = t.store.write(move |tx| {
        let claimed = claimed.clone();
        Box::pin(async move { line::step_aside(tx, &claimed).await })
    });
    aside.await.unwrap();
}

async fn has_turn(t: &TestStore, claimed: &Claimed) -> bool {
    line::has_turn(&mut t.store.read().await.unwrap(), claimed).await.unwrap()
}

#[tokio::test]
async fn only_the_head_of_a_line_is_claimed_and_whoever_leaves_wakes_the_next() {
    each_engine(Machines::new(), |t| async move {
        for key in ["1", "2", "3"] {
            join(&t, "a", key).await;
        }
        join(&t, "a", "2").await;
        join(&t, "b", "9").await;
        let first = claim(&t).await;
        assert_eq!(keys(&first), ["1", "9"], "each line has its head");
        assert!(claim(&t).await.is_empty());
        finish(&t, &first[0]).await;
        let second = claim(&t).await;
        assert_eq!(keys(&second), ["2"], "at once, and once");
        join(&t, "a", "4").await;
        fail(&t, &second[0]).await;
        assert!(claim(&t).await.is_empty(), "those behind one that failed wait with it");
        t.clock.advance(Duration::from_secs(1));
        for key in ["2", "3", "4"] {
            let claimed = claim(&t).await;
            assert_eq!(keys(&claimed), [key]);
            finish(&t, &claimed[0]).await;
        }
        let mut tx = t.store.read().await.unwrap();
        assert!(!line::is_waiting(&mut tx, KIND, "a").await.unwrap());
        assert!(line::is_waiting(&mut tx, KIND, "b").await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn one_that_fails_for_long_lets_those_behind_it_pass_and_keeps_its_own_time() {
    each_engine(Machines::new(), |t| async move {
        for key in ["1", "2", "3"] {
            join(&t, "a", key).await;
        }
        for _ in 0..6 {
            let claimed = claim(&t).await;
            assert_eq!(keys(&claimed), ["1"]);
            fail(&t, &claimed[0]).await;
            assert!(claim(&t).await.is_empty());
            t.clock.advance(setback::pause(claimed[0].attempts));
        }
        fail(&t, &claim(&t).await[0]).await;
        for key in ["2", "3"] {
            let claimed = claim(&t).await;
            assert_eq!(keys(&claimed), [key]);
            assert!(has_turn(&t, &claimed[0]).await);
            finish(&t, &claimed[0]).await;
        }
        join(&t, "a", "4").await;
        assert_eq!(keys(&claim(&t).await), ["4"], "who comes later passes as well");
        t.clock.advance(Duration::from_secs(29));
        assert!(claim(&t).await.is_empty());
        t.clock.advance(Duration::from_secs(3));
        let again = claim(&t).await;
        assert!(has_turn(&t, &again[0]).await, "and it is tried for ever");
    })
    .await;
}

#[tokio::test]
async fn one_that_cannot_be_read_lets_those_behind_it_pass_in_the_end() {
    each_engine(Machines::new(), |t| async move {
        join(&t, "a", "1").await;
        let spoil = t.store.write(|tx| {
            Box::pin(async move { tx.execute("UPDATE outbox SET effect = '{' WHERE key = $1", args!["1"]).await })
        });
        spoil.await.unwrap();
        join(&t, "a", "2").await;
        for attempts in 1..=6 {
            assert!(claim(&t).await.is_empty());
            t.clock.advance(setback::pause(attempts));
        }
        assert!(claim(&t).await.is_empty());
        assert_eq!(keys(&claim(&t).await), ["2"]);
    })
    .await;
}

#[tokio::test]
async fn what_is_claimed_out_of_its_turn_steps_aside_for_what_comes_before_it() {
    each_engine(Machines::new(), |t| async move {
        join(&t, "a", "2").await;
        join(&t, "a", "1").await;
        let late = claim(&t).await;
        assert_eq!(keys(&late), ["2"]);
        assert!(!has_turn(&t, &late[0]).await);
        step_aside(&t, &late[0]).await;
        let early = claim(&t).await;
        assert_eq!(keys(&early), ["1"]);
        finish(&t, &early[0]).await;
        let late = claim(&t).await;
        assert_eq!((keys(&late), late[0].attempts), (vec!["2"], 1), "it was not tried before");
    })
    .await;
}

#[tokio::test]
async fn nobody_is_left_asleep_when_some_join_while_others_leave() {
    each_engine(Machines::new(), |t| async move {
        const COUNT: usize = 60;
        let joined = AtomicBool::new(false);
        let joining = async {
            let keys: Vec<String> = (0..COUNT).map(|n| format!("{n:02}")).collect();
            join_all(keys.iter().map(|key| join(&t, "a", key))).await;
            joined.store(true, Ordering::Relaxed);
        };
        let leaving = async {
            let mut left = 0;
            loop {
                let last = joined.load(Ordering::Relaxed);
                let claimed = claim(&t).await;
                for claimed in &claimed {
                    if has_turn(&t, claimed).await {
                        finish(&t, claimed).await;
                        left += 1;
                    } else {
                        step_aside(&t, claimed).await;
                    }
                }
                if last && claimed.is_empty() {
                    return left;
                }
            }
        };
        let ((), left) = tokio::join!(joining, leaving);
        assert_eq!(left, COUNT);
    })
    .await;
}
