//! What opening a store makes.

use std::os::unix::fs::PermissionsExt;

use std::sync::Arc;

use base::SystemClock;
use store::testing::{TestStore, each_engine};
use store::{Dialect, Error, Machines, Store, args};

#[tokio::test]
async fn nobody_else_may_read_the_database() {
    let t = store::testing::sqlite(Machines::new()).await;
    t.store
        .write(|tx| Box::pin(async move { tx.execute("DELETE FROM migration WHERE number < 0", &[]).await }))
        .await
        .unwrap();
    let files: Vec<_> = t.dir.path().read_dir().unwrap().map(|entry| entry.unwrap()).collect();
    assert!(files.len() >= 2, "the database and its journal: {files:?}");
    for file in files {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{file:?}");
    }
}

#[tokio::test]
async fn text_is_ordered_by_bytes_whatever_language_the_database_speaks() {
    each_engine(Machines::new(), |t| async move {
        let mut tx = t.store.read().await.unwrap();
        if tx.dialect() == Dialect::Postgres {
            let other = "SELECT table_name::TEXT FROM information_schema.columns WHERE table_schema = current_schema()
                         AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C' AND table_name <> 'migration'";
            let tables: Vec<String> =
                tx.fetch_all(other, &[]).await.unwrap().iter().map(|row| row.text(0).unwrap()).collect();
            assert!(tables.is_empty(), "{tables:?}");
        }
    })
    .await;
}

async fn run(t: &TestStore, sql: &'static str) {
    t.store.write(move |tx| Box::pin(async move { tx.execute(sql, &[]).await })).await.unwrap();
}

async fn look(t: &TestStore) -> Result<Store, Error> {
    Store::open_to_read(&t.url, Arc::new(SystemClock)).await
}

#[tokio::test]
async fn who_only_looks_changes_nothing() {
    each_engine(Machines::new(), |t| async move {
        let store = look(&t).await.unwrap();
        let migrations = async |store: &Store| {
            let mut tx = store.read().await.unwrap();
            tx.fetch_all("SELECT number FROM migration ORDER BY number", &[]).await.unwrap().len()
        };
        let ours = migrations(&t.store).await;
        assert_eq!(migrations(&store).await, ours);
        let written =
            store.write(move |tx| Box::pin(async move { tx.execute("DELETE FROM migration", &[]).await })).await;
        assert!(written.is_err(), "{written:?}");
        let insert = "INSERT INTO migration (number, name) VALUES ($1, 'x')";
        assert!(store.read().await.unwrap().execute(insert, args![999_i64]).await.is_err());
        assert_eq!(migrations(&t.store).await, ours);
    })
    .await;
}

#[tokio::test]
async fn who_only_looks_is_told_of_another_schema_and_leaves_it_as_it_is() {
    each_engine(Machines::new(), |t| async move {
        run(&t, "DELETE FROM migration WHERE number = 7").await;
        assert!(matches!(look(&t).await, Err(Error::OlderSchema { number: 7 })));
        assert!(matches!(look(&t).await, Err(Error::OlderSchema { number: 7 })), "the first look did not mend it");
        run(&t, "INSERT INTO migration (number, name) VALUES (7, 'codepipeline'), (4711, 'later')").await;
        assert!(matches!(look(&t).await, Err(Error::NewerSchema { number: 4711 })));
        run(&t, "DROP TABLE migration").await;
        assert!(matches!(look(&t).await, Err(Error::NoSchema)));
    })
    .await;
}

#[tokio::test]
async fn a_database_that_is_not_there_is_named_without_its_password() {
    let clock = Arc::new(SystemClock);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("none.db").display().to_string();
    assert!(Store::open_to_read(&path, clock.clone()).await.is_err());
    assert!(!dir.path().join("none.db").exists());
    for url in ["postgres://hw:secret@127.0.0.1:1/hw", "mysql://hw:secret@db/hw", "postgres://hw:secret@db:port/hw"] {
        let e = Store::open_to_read(url, clock.clone()).await.err().unwrap();
        let text = format!("{e} {e:?}");
        assert!(!text.contains("secret") && text.contains("hw:****@"), "{text}");
    }
}
