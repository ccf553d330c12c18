//! A connection in use: statements go through it, on either engine.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use base::{Clock, Timestamp};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx::pool::PoolConnection;
use sqlx::query::Query;
use sqlx::{Postgres, SqlSafeStr};

use crate::args;
use crate::error::Error;
use crate::kept::{Reader, Take, within};
use crate::machines::Machines;
use crate::sql::{Arg, SqlRow};
use crate::sqlite::Connection;
use crate::transitions::{Transition, Transitions};

/// Which SQL engine answers; for the few statements that differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Sqlite,
    Postgres,
}

pub(crate) enum Conn {
    SqliteWriter(Connection),
    SqliteReader(Reader),
    Postgres(PoolConnection<Postgres>),
}

/// A read-only view (`Store::read`) or a running transaction (`Store::write`).
pub struct Tx {
    pub(crate) conn: Conn,
    pub(crate) machines: Machines,
    pub(crate) clock: Arc<dyn Clock>,
    /// Something was written that the driver should look at after the commit.
    pub(crate) wake_driver: bool,
    /// Steps of machines, counted once they are committed.
    pub(crate) steps: Vec<Transition>,
    /// Where refusals are counted at once.
    pub(crate) transitions: Transitions,
    /// PostgreSQL could not serialise this transaction with another; it must be tried again as a whole.
    pub(crate) conflict: bool,
    /// A row was there already. On PostgreSQL another transaction may have made it after this one had looked.
    pub(crate) duplicate: bool,
}

impl Tx {
    pub(crate) fn new(conn: Conn, machines: Machines, clock: Arc<dyn Clock>, transitions: Transitions) -> Self {
        Tx {
            conn,
            machines,
            clock,
            wake_driver: false,
            steps: Vec::new(),
            transitions,
            conflict: false,
            duplicate: false,
        }
    }

    fn note<T>(&mut self, result: Result<T, Error>) -> Result<T, Error> {
        result.inspect_err(|e| {
            self.conflict |= matches!(e, Error::Conflict(_));
            self.duplicate |= matches!(e, Error::Duplicate(_));
        })
    }

    /// The engine behind this connection.
    pub fn dialect(&self) -> Dialect {
        match self.conn {
            Conn::SqliteWriter(_) | Conn::SqliteReader(_) => Dialect::Sqlite,
            Conn::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Now, by the store's clock.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Waits until no other transaction holds the lock `name`, and holds it until this one ends. For what must be
    /// looked up and then made by one transaction alone, when there is no row yet that could be locked.
    pub async fn lock(&mut self, name: &str) -> Result<(), Error> {
        if self.dialect() == Dialect::Postgres {
            self.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", args![name]).await?;
        }
        Ok(())
    }

    /// Runs `f` within this transaction so that, when it fails or panics, nothing of it has happened and the transaction
    /// goes on: then the inner result holds its error. The outer error means that the whole transaction must end.
    pub async fn attempt<T, F>(&mut self, f: F) -> Result<Result<T, Error>, Error>
    where
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, Error>> + Send,
    {
        self.execute("SAVEPOINT attempt", &[]).await?;
        let (steps, duplicate) = (self.steps.len(), self.duplicate);
        let outcome = AssertUnwindSafe(f(self)).catch_unwind().await.unwrap_or(Err(Error::Panicked));
        match &outcome {
            Ok(_) => {}
            Err(e) if e.is_passing() => return outcome.map(Ok),
            Err(_) => {
                self.execute("ROLLBACK TO SAVEPOINT attempt", &[]).await?;
                self.steps.truncate(steps);
                self.duplicate = duplicate;
            }
        }
        self.execute("RELEASE SAVEPOINT attempt", &[]).await?;
        Ok(outcome)
    }

    /// Runs a statement and gives the number of rows that it touched.
    pub async fn execute(&mut self, sql: impl SqlSafeStr, args: &[Arg]) -> Result<u64, Error> {
        let sql = sql.into_sql_str();
        let done = match &mut self.conn {
            Conn::SqliteWriter(c) => c.execute(sql.as_str(), args),
            Conn::SqliteReader(reader) => reader.execute(sql.as_str(), args).await,
            Conn::Postgres(c) => {
                let done = bind(sqlx::query(sql), args).execute(&mut **c).await;
                done.map(|done| done.rows_affected()).map_err(Error::from)
            }
        };
        self.note(done)
    }

    /// All rows of an answer.
    pub async fn fetch_all(&mut self, sql: impl SqlSafeStr, args: &[Arg]) -> Result<Vec<SqlRow>, Error> {
        let sql = sql.into_sql_str();
        let rows = match &mut self.conn {
            Conn::SqliteWriter(c) => c.fetch(sql.as_str(), args, Take::All),
            Conn::SqliteReader(reader) => {
                let rows = reader.fetch(sql.as_str(), args, Take::All).await;
                rows.map(|rows| rows.iter().filter_map(SqlRow::again).collect())
            }
            Conn::Postgres(c) => {
                let rows = bind(sqlx::query(sql), args).fetch_all(&mut **c).await;
                rows.map(|rows| rows.into_iter().map(SqlRow::from).collect()).map_err(Error::from)
            }
        };
        self.note(rows)
    }

    /// The first rows of an answer: until the texts in `column` have `bytes` together, and at least one. For columns
    /// whose texts may be large.
    pub async fn fetch_within(
        &mut self,
        sql: impl SqlSafeStr,
        args: &[Arg],
        column: usize,
        bytes: usize,
    ) -> Result<Vec<SqlRow>, Error> {
        let sql = sql.into_sql_str();
        let rows = match &mut self.conn {
            Conn::SqliteWriter(c) => c.fetch(sql.as_str(), args, Take::Within { column, bytes }),
            Conn::SqliteReader(reader) => {
                let rows = reader.fetch(sql.as_str(), args, Take::Within { column, bytes }).await;
                rows.map(|rows| rows.iter().filter_map(SqlRow::again).collect())
            }
            Conn::Postgres(c) => {
                let rows = within(bind(sqlx::query(sql), args).fetch(&mut **c), column, bytes).await;
                rows.map(|rows| rows.into_iter().map(SqlRow::from).collect()).map_err(Error::from)
            }
        };
        self.note(rows)
    }

    /// The first row of an answer, if it has one.
    pub async fn fetch_optional(&mut self, sql: impl SqlSafeStr, args: &[Arg]) -> Result<Option<SqlRow>, Error> {
        let sql = sql.into_sql_str();
        let row = match &mut self.conn {
            Conn::SqliteWriter(c) => c.fetch(sql.as_str(), args, Take::One).map(|rows| rows.into_iter().next()),
            Conn::SqliteReader(reader) => {
                let rows = reader.fetch(sql.as_str(), args, Take::One).await;
                rows.map(|rows| rows.first().and_then(SqlRow::again))
            }
            Conn::Postgres(c) => {
                let row = bind(sqlx::query(sql), args).fetch_optional(&mut **c).await;
                row.map(|row| row.map(SqlRow::from)).map_err(Error::from)
            }
        };
        self.note(row)
    }
}

type PostgresQuery<'q> = Query<'q, Postgres, sqlx::postgres::PgArguments>;

fn bind<'q>(mut query: PostgresQuery<'q>, args: &[Arg]) -> PostgresQuery<'q> {
    for arg in args {
        query = match arg.clone() {
            Arg::Text(v) => query.bind(v),
            Arg::Int(v) => query.bind(v),
            Arg::Blob(v) => query.bind(v),
        };
    }
    query
}
