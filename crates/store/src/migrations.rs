//! The numbered migrations, one text for both engines, applied in order and each exactly once.

use crate::error::Error;
use crate::tx::{Dialect, Tx};

/// Number, name and text. Never edit one that has landed; add the next.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "core", include_str!("../migrations/0001_core.sql")),
    (2, "iam", include_str!("../migrations/0002_iam.sql")),
    (3, "s3", include_str!("../migrations/0003_s3.sql")),
    (4, "logs", include_str!("../migrations/0004_logs.sql")),
    (5, "codecommit", include_str!("../migrations/0005_codecommit.sql")),
    (6, "codebuild", include_str!("../migrations/0006_codebuild.sql")),
    (7, "codepipeline", include_str!("../migrations/0007_codepipeline.sql")),
    (8, "secrets", include_str!("../migrations/0008_secrets.sql")),
    (9, "reports", include_str!("../migrations/0009_reports.sql")),
    (10, "batch", include_str!("../migrations/0010_batch.sql")),
    (11, "webhooks", include_str!("../migrations/0011_webhooks.sql")),
    (12, "fleets", include_str!("../migrations/0012_fleets.sql")),
    (13, "build_sessions", include_str!("../migrations/0013_build_sessions.sql")),
    (14, "queues", include_str!("../migrations/0014_queues.sql")),
    (20, "owners", include_str!("../migrations/0020_owners.sql")),
    (28, "log_lines", include_str!("../migrations/0028_log_lines.sql")),
    (32, "action_types", include_str!("../migrations/0032_action_types.sql")),
    (33, "session_policies", include_str!("../migrations/0033_session_policies.sql")),
    (36, "pipeline_webhooks", include_str!("../migrations/0036_pipeline_webhooks.sql")),
    (37, "connections", include_str!("../migrations/0037_connections.sql")),
    (38, "deliveries", include_str!("../migrations/0038_deliveries.sql")),
    (40, "made_pipelines", include_str!("../migrations/0040_made_pipelines.sql")),
    (42, "pushes", include_str!("../migrations/0042_pushes.sql")),
    (44, "notifications", include_str!("../migrations/0044_notifications.sql")),
    (49, "event_rules", include_str!("../migrations/0049_event_rules.sql")),
    (50, "event_put_by", include_str!("../migrations/0050_event_put_by.sql")),
    (51, "approval_notices", include_str!("../migrations/0051_approval_notices.sql")),
    (52, "event_targets_by", include_str!("../migrations/0052_event_targets_by.sql")),
];

/// Brings the schema up to date. Refuses a database that a newer version has written.
pub(crate) async fn run(tx: &mut Tx) -> Result<(), Error> {
    tx.execute("CREATE TABLE IF NOT EXISTS migration (number BIGINT PRIMARY KEY, name TEXT NOT NULL)", &[]).await?;
    let applied = applied(tx).await?;
    for (number, name, text) in MIGRATIONS.iter().filter(|m| !applied.contains(&m.0)) {
        for statement in statements(text, tx.dialect()) {
            tx.execute(sqlx::AssertSqlSafe(statement), &[]).await?;
        }
        tx.execute("INSERT INTO migration (number, name) VALUES ($1, $2)", crate::args![*number, *name]).await?;
    }
    Ok(())
}

/// Whether the schema is exactly ours; changes nothing.
pub(crate) async fn check(tx: &mut Tx) -> Result<(), Error> {
    let sql = match tx.dialect() {
        Dialect::Sqlite => "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'migration'",
        Dialect::Postgres => {
            "SELECT COUNT(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'migration'"
        }
    };
    let there = tx.fetch_optional(sql, &[]).await?.map_or(Ok(0), |row| row.int(0))?;
    if there == 0 {
        return Err(Error::NoSchema);
    }
    let applied = applied(tx).await?;
    match MIGRATIONS.iter().find(|m| !applied.contains(&m.0)) {
        Some((number, ..)) => Err(Error::OlderSchema { number: *number }),
        None => Ok(()),
    }
}

/// The numbers of those that have been applied. Refuses a database that a newer version has written.
async fn applied(tx: &mut Tx) -> Result<Vec<i64>, Error> {
    let rows = tx.fetch_all("SELECT number FROM migration", &[]).await?;
    let applied: Vec<i64> = rows.iter().map(|r| r.int(0)).collect::<Result<_, _>>()?;
    match applied.iter().find(|n| MIGRATIONS.iter().all(|m| m.0 != **n)) {
        Some(newer) => Err(Error::NewerSchema { number: *newer }),
        None => Ok(applied),
    }
}

fn statements(text: &str, dialect: Dialect) -> Vec<String> {
    // Lists are in the order of bytes, as S3's are, whatever language the database was made for.
    let (text_type, blob, autoid) = match dialect {
        Dialect::Sqlite => (" TEXT", "BLOB", "INTEGER PRIMARY KEY AUTOINCREMENT"),
        Dialect::Postgres => (" TEXT COLLATE \"C\"", "BYTEA", "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"),
    };
    let without_comments: String =
        text.lines().filter(|l| !l.trim_start().starts_with("--")).collect::<Vec<_>>().join("\n");
    without_comments
        .replace(" TEXT", text_type)
        .replace("{BLOB}", blob)
        .replace("{AUTOID}", autoid)
        .split(';')
        .map(|s| s.trim().to_owned())
        .filter(|s| !s.is_empty())
        .collect()
}
