//! What opening a store makes.

use std::os::unix::fs::PermissionsExt;

use store::testing::each_engine;
use store::{Dialect, Machines};

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
