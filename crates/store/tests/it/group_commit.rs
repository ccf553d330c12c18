//! Transactions that share a commit do not share their fate.

use store::testing::each_engine;
use store::{Error, Machines, args};

#[tokio::test]
async fn a_failing_or_panicking_transaction_takes_nothing_with_it() {
    each_engine(Machines::new(), |t| async move {
        let put = |n: i64, fate: &'static str| {
            t.store.write(move |tx| {
                Box::pin(async move {
                    tx.execute("INSERT INTO migration (number, name) VALUES ($1, $2)", args![1000 + n, fate]).await?;
                    match fate {
                        "fails" => Err(Error::Closed),
                        "panics" => panic!("on purpose"),
                        _ => Ok(n),
                    }
                })
            })
        };
        let all = (0..60).map(|n| put(n, ["commits", "fails", "panics"][usize::try_from(n % 3).unwrap()]));
        let results = futures_util::future::join_all(all).await;
        for (n, result) in (0..).zip(&results) {
            assert_eq!(result.is_ok(), n % 3 == 0, "{n}: {result:?}");
            assert_eq!(matches!(result, Err(Error::Panicked)), n % 3 == 2, "{n}: {result:?}");
        }
        let mut tx = t.store.read().await.unwrap();
        let rows = tx.fetch_all("SELECT name FROM migration WHERE number >= 1000", &[]).await.unwrap();
        assert_eq!(rows.len(), 20);
        assert!(rows.iter().all(|r| r.text(0).unwrap() == "commits"));
    })
    .await;
}

#[tokio::test]
async fn a_transaction_inside_another_is_refused_and_not_waited_for() {
    each_engine(Machines::new(), |t| async move {
        let store = t.store.clone();
        let outer = t.store.write(move |_| {
            let store = store.clone();
            Box::pin(async move {
                assert!(matches!(store.read().await, Err(Error::Nested)));
                store.write(|_| Box::pin(async { Ok::<_, Error>(()) })).await
            })
        });
        let outer = tokio::time::timeout(std::time::Duration::from_secs(60), outer).await;
        assert!(matches!(outer.expect("it must not wait for ever"), Err(Error::Nested)));
        t.store.write(|_| Box::pin(async { Ok::<_, Error>(()) })).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_reader_cannot_write() {
    let t = store::testing::sqlite(Machines::new()).await;
    let mut tx = t.store.read().await.unwrap();
    assert!(tx.execute("DELETE FROM migration", &[]).await.is_err());
}

#[tokio::test]
async fn a_taken_key_is_reported_as_such() {
    each_engine(Machines::new(), |t| async move {
        let again = t.store.write(|tx| {
            Box::pin(async move {
                tx.execute("INSERT INTO migration (number, name) VALUES (1, 'again')", &[]).await?;
                Ok::<_, Error>(())
            })
        });
        assert!(matches!(again.await, Err(Error::Duplicate(_))));
    })
    .await;
}
