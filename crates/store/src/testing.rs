//! Stores for tests: each test runs on SQLite and, where the test command has started one, on PostgreSQL.

use std::future::Future;
use std::sync::Arc;

use base::{Clock, FakeClock, Ids as _, RandomIds, Timestamp};

use crate::args;
use crate::db::{Store, StoreOptions};
use crate::error::Error;
use crate::machines::Machines;

/// A store with its clock; the folder goes when this does.
pub struct TestStore {
    pub store: Store,
    pub clock: Arc<FakeClock>,
    /// A folder of the test's own, for objects.
    pub dir: Arc<tempfile::TempDir>,
    /// As given to `Store::open`.
    pub url: String,
}

// A type that implements `Drop` is captured whole by closures: without this, `async move` blocks that name
// only `store` would drop the folder under it.
impl Drop for TestStore {
    fn drop(&mut self) {}
}

/// A fresh SQLite store whose clock stands at 2024-01-01T00:00:00Z.
pub async fn sqlite(machines: Machines) -> TestStore {
    let (clock, dir) = ground();
    let path = dir.path().join("test.db");
    let url = path.to_str().expect("temporary folders have UTF-8 names").to_owned();
    open(&url, machines, clock, dir).await
}

/// Runs `test` on SQLite, then on PostgreSQL when `HEADWORKS_TEST_POSTGRES` names one.
pub async fn each_engine<F, Fut>(machines: Machines, test: F)
where
    F: Fn(TestStore) -> Fut,
    Fut: Future<Output = ()>,
{
    test(sqlite(machines.clone()).await).await;
    match std::env::var("HEADWORKS_TEST_POSTGRES") {
        Ok(url) => test(postgres(&url, machines).await).await,
        Err(_) => println!("SKIPPED: PostgreSQL part: HEADWORKS_TEST_POSTGRES is not set (cargo xtask test sets it)"),
    }
}

/// Leaves a machine's row with a state that no version of this program can read.
pub async fn spoil(store: &Store, kind: &'static str, id: &str) {
    let id = id.to_owned();
    let spoilt = store.write(move |tx| {
        let id = id.clone();
        Box::pin(async move {
            let sql = "UPDATE machine SET state = '{\"stage\":\"Unheard\"}' WHERE kind = $1 AND id = $2";
            tx.execute(sql, args![kind, &id]).await
        })
    });
    let rows: Result<u64, Error> = spoilt.await;
    assert_eq!(rows.expect("the row is written"), 1, "there is no such machine");
}

/// Writes what event types a notification rule has, as it is: `text` may be none that can be read.
pub async fn write_event_types(store: &Store, rule: &str, text: &'static str) {
    let rule = rule.to_owned();
    let write = store.write(move |tx| {
        let rule = rule.clone();
        Box::pin(async move {
            let sql = "UPDATE codestar_notifications_rule SET event_types = $2 WHERE id = $1";
            tx.execute(sql, args![&rule, text]).await
        })
    });
    let rows: Result<u64, Error> = write.await;
    assert_eq!(rows.expect("the row is written"), 1, "there is no such rule");
}

/// Leaves a machine's row with a state as another version of this program would have written it.
pub async fn rewrite(store: &Store, kind: &'static str, id: &str, edit: fn(&mut serde_json::Value)) {
    let id = id.to_owned();
    let rewritten = store.write(move |tx| {
        let id = id.clone();
        Box::pin(async move {
            let rows = tx.fetch_all("SELECT state FROM machine WHERE kind = $1 AND id = $2", args![kind, &id]).await?;
            let mut state: serde_json::Value = rows.first().ok_or(Error::Closed)?.json(0)?;
            edit(&mut state);
            let sql = "UPDATE machine SET state = $3 WHERE kind = $1 AND id = $2";
            tx.execute(sql, args![kind, &id, state.to_string()]).await
        })
    });
    let rows: Result<u64, Error> = rewritten.await;
    assert_eq!(rows.expect("there is such a machine"), 1);
}

async fn postgres(url: &str, machines: Machines) -> TestStore {
    let (clock, dir) = ground();
    // Process ids come again in a long run, and schemas stay.
    let schema = format!("t{}", RandomIds.uuid().simple());
    let admin = open(url, Machines::new(), clock.clone(), dir.clone()).await;
    let mut tx = admin.store.read().await.expect("PostgreSQL gives a connection");
    tx.execute(sqlx::AssertSqlSafe(format!("CREATE SCHEMA {schema}")), &[]).await.expect("a fresh schema");
    let joint = if url.contains('?') { '&' } else { '?' };
    open(&format!("{url}{joint}options=-csearch_path%3D{schema}"), machines, clock, dir).await
}

fn ground() -> (Arc<FakeClock>, Arc<tempfile::TempDir>) {
    let clock = Arc::new(FakeClock::at(Timestamp::from_secs(1_704_067_200)));
    (clock, Arc::new(tempfile::tempdir().expect("a temporary folder")))
}

async fn open(url: &str, machines: Machines, clock: Arc<FakeClock>, dir: Arc<tempfile::TempDir>) -> TestStore {
    let options = StoreOptions { connections: 3, durable: false };
    let dynamic: Arc<dyn Clock> = clock.clone();
    let store = Store::open(url, machines, dynamic, options).await.expect("a test store opens");
    TestStore { store, clock, dir, url: url.to_owned() }
}
