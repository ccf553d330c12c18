//! Dropping all rows, for test mode.

use crate::db::Store;
use crate::error::Error;
use crate::tx::Dialect;

impl Store {
    /// Empties every table but the list of migrations.
    pub async fn clear(&self) -> Result<(), Error> {
        self.write(|tx| {
            Box::pin(async move {
                let sql = match tx.dialect() {
                    Dialect::Sqlite => {
                        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'
                         AND name <> 'migration'"
                    }
                    Dialect::Postgres => {
                        "SELECT tablename::TEXT FROM pg_tables WHERE schemaname = current_schema()
                         AND tablename <> 'migration'"
                    }
                };
                let rows = tx.fetch_all(sql, &[]).await?;
                let names: Vec<String> = rows.iter().map(|r| r.text(0)).collect::<Result<_, _>>()?;
                if tx.dialect() == Dialect::Sqlite {
                    tx.execute("PRAGMA defer_foreign_keys = ON", &[]).await?;
                }
                for name in names {
                    // The names come from the schema, not from users.
                    tx.execute(sqlx::AssertSqlSafe(format!("DELETE FROM \"{name}\"")), &[]).await?;
                }
                Ok(())
            })
        })
        .await
    }
}
