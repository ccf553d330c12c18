//! Finding PostgreSQL.

use std::io;
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgPool};
use tokio::time::{Instant, sleep, timeout};

use crate::error::Error;
use crate::url::masked_url;

/// How long a server waits for its database: both may start at the same time.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// How long one try may take.
const TRY_LIMIT: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(500);
/// "The database system is starting up."
const CANNOT_CONNECT_NOW: &str = "57P03";

/// How to connect; `None` for the path of a file.
pub(crate) fn options(url: &str) -> Result<Option<PgConnectOptions>, Error> {
    let bad = |reason: String| Error::BadUrl { url: masked_url(url), reason };
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        let options = PgConnectOptions::from_str(url).map_err(|e| bad(e.to_string()))?;
        return Ok(Some(options.disable_statement_logging()));
    }
    match url.contains("://") {
        true => Err(bad("it is neither a file nor a postgres:// URL".to_owned())),
        false => Ok(None),
    }
}

/// Connects, and for `patience` again when nobody is there yet. The error is that of the last try, not of the pool.
pub(crate) async fn connect(
    url: &str,
    options: PgConnectOptions,
    connections: u32,
    patience: Duration,
) -> Result<PgPool, Error> {
    let failed = |source: sqlx::Error| Error::Connect { url: masked_url(url), source: source.into() };
    let until = Instant::now() + patience;
    let mut told = false;
    loop {
        let no_answer = || sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, "no answer in 10 s"));
        match timeout(TRY_LIMIT, options.connect()).await.unwrap_or_else(|_| Err(no_answer())) {
            Ok(connection) => {
                let _ = connection.close().await;
                break;
            }
            Err(e) if may_come(&e) && Instant::now() < until => {
                if !told {
                    tracing::warn!(error = %e, database = masked_url(url), "PostgreSQL does not answer yet; waiting");
                    told = true;
                }
                sleep(PAUSE).await;
            }
            Err(e) => return Err(failed(e)),
        }
    }
    PgPoolOptions::new().max_connections(connections).connect_with(options).await.map_err(failed)
}

/// Whether the server may be about to start.
fn may_come(e: &sqlx::Error) -> bool {
    match e {
        sqlx::Error::Io(e) => e.kind() != io::ErrorKind::PermissionDenied,
        other => other.as_database_error().is_some_and(|e| e.code().as_deref() == Some(CANNOT_CONNECT_NOW)),
    }
}
