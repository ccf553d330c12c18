//! SQLite connections. A statement runs where it is called: the writer's connection lives on a thread of its own (see
//! `write`); those for reading fetch a row where they are asked for it, and lists on threads that may block.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, OpenFlags, ToSql};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::Error;
use crate::kept::Take;
use crate::sql::{Arg, SqlRow};

/// How long a statement waits for another process that holds the database's lock.
const BUSY: Duration = Duration::from_secs(10);
/// Prepared statements kept by each connection.
const STATEMENTS: usize = 256;

/// A database file and how to open it.
pub(crate) struct Database {
    pub path: PathBuf,
    /// Whether each commit reaches the disk before it is answered.
    pub durable: bool,
}

/// An open connection.
pub(crate) struct Connection(rusqlite::Connection);

impl Database {
    /// The connection that writes; makes the database if need be.
    pub fn writer(&self) -> Result<Connection, Error> {
        let connection = self.open(OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        let synchronous = if self.durable { "FULL" } else { "OFF" };
        connection.0.execute_batch(&format!("PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous}"))?;
        Ok(connection)
    }

    fn reader(&self) -> Result<Connection, Error> {
        self.open(OpenFlags::SQLITE_OPEN_READ_ONLY)
    }

    fn open(&self, access: OpenFlags) -> Result<Connection, Error> {
        // A connection is used by one thread at a time, so SQLite need not lock it.
        let connection = rusqlite::Connection::open_with_flags(&self.path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        connection.busy_timeout(BUSY)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        connection.execute_batch("PRAGMA foreign_keys = ON; PRAGMA cache_size = -4000; PRAGMA temp_store = MEMORY")?;
        Ok(Connection(connection))
    }
}

impl Connection {
    /// Runs a statement and gives the number of rows that it touched.
    pub fn execute(&self, sql: &str, args: &[Arg]) -> Result<u64, Error> {
        let mut statement = self.bound(sql, args)?;
        let mut rows = statement.raw_query();
        while rows.next()?.is_some() {}
        Ok(self.0.changes())
    }

    /// The rows of an answer, as many as `take` wants.
    pub fn fetch(&self, sql: &str, args: &[Arg], take: Take) -> Result<Vec<SqlRow>, Error> {
        let mut statement = self.bound(sql, args)?;
        let columns = statement.column_count();
        let mut rows = statement.raw_query();
        let (mut fetched, mut used) = (Vec::new(), 0);
        while let Some(row) = rows.next()? {
            let values: Result<_, rusqlite::Error> = (0..columns).map(|n| row.get_ref(n).map(Into::into)).collect();
            fetched.push(SqlRow::from_values(values?));
            let enough = match take {
                Take::One => true,
                Take::All => false,
                Take::Within { column, bytes } => {
                    used += match row.get_ref(column)? {
                        ValueRef::Text(text) => text.len(),
                        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Blob(_) => 0,
                    };
                    used >= bytes
                }
            };
            if enough {
                break;
            }
        }
        Ok(fetched)
    }

    fn bound(&self, sql: &str, args: &[Arg]) -> Result<CachedStatement<'_>, Error> {
        let mut statement = self.0.prepare_cached(sql)?;
        for place in 1..=statement.parameter_count() {
            // To SQLite `$1` is a name, and the first name that it meets has the first place.
            let number = statement.parameter_name(place).and_then(|name| name.strip_prefix('$')?.parse::<usize>().ok());
            let arg = number.and_then(|number| args.get(number.checked_sub(1)?));
            let arg = arg.ok_or(rusqlite::Error::InvalidParameterCount(args.len(), place))?;
            statement.raw_bind_parameter(place, arg)?;
        }
        Ok(statement)
    }
}

impl ToSql for Arg {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let value = match self {
            Arg::Text(Some(text)) => ValueRef::Text(text.as_bytes()),
            Arg::Int(Some(number)) => ValueRef::Integer(*number),
            Arg::Blob(Some(bytes)) => ValueRef::Blob(bytes),
            Arg::Text(None) | Arg::Int(None) | Arg::Blob(None) => ValueRef::Null,
        };
        Ok(ToSqlOutput::Borrowed(value))
    }
}

/// The connections for reading, opened as they are needed.
pub(crate) struct Readers {
    database: Database,
    idle: Mutex<Vec<Connection>>,
    room: Arc<Semaphore>,
}

/// A connection for reading; goes back when dropped.
pub(crate) struct Lent {
    connection: Option<Connection>,
    readers: Arc<Readers>,
    _place: OwnedSemaphorePermit,
}

impl Readers {
    /// At most `most` at the same time.
    pub fn new(database: Database, most: u32) -> Self {
        let room = usize::try_from(most).unwrap_or(1).max(1);
        Readers { database, idle: Mutex::default(), room: Arc::new(Semaphore::new(room)) }
    }

    /// Waits for a connection.
    pub async fn lend(self: &Arc<Self>) -> Result<Lent, Error> {
        let place = self.room.clone().acquire_owned().await.map_err(|_| Error::Closed)?;
        let connection = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Ok(Lent { connection, readers: self.clone(), _place: place })
    }
}

impl Lent {
    /// The connection, for work that is not worth another thread.
    pub fn connection(&mut self) -> Result<&Connection, Error> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.readers.database.reader()?,
        };
        Ok(self.connection.insert(connection))
    }

    /// Runs `work` where it may block. The connection comes back with the answer; if nobody waits for that any more,
    /// it goes back to the others.
    pub async fn run<T: Send + 'static>(
        mut self,
        work: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<(Lent, T), Error> {
        let run = tokio::task::spawn_blocking(move || {
            let answer = work(self.connection()?)?;
            Ok((self, answer))
        });
        run.await.map_err(|_| Error::Panicked)?
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.readers.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args;

    fn database(dir: &tempfile::TempDir) -> Database {
        Database { path: dir.path().join("test.db"), durable: false }
    }

    #[test]
    fn arguments_go_to_their_numbers_in_whatever_order_and_however_often() {
        let dir = tempfile::tempdir().unwrap();
        let writer = database(&dir).writer().unwrap();
        let rows = writer.fetch("SELECT $2, $1, $2, $3", args!["a", 7_i64, None::<String>], Take::All).unwrap();
        let row = rows.first().unwrap();
        assert_eq!((row.int(0).unwrap(), row.text(1).unwrap(), row.int(2).unwrap()), (7, "a".to_owned(), 7));
        assert_eq!(row.opt_text(3).unwrap(), None);
        assert!(row.text(0).is_err(), "a number is no text");
    }

    #[test]
    fn a_place_without_an_argument_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let writer = database(&dir).writer().unwrap();
        assert!(matches!(writer.fetch("SELECT $1, $2", args!["a"], Take::All), Err(Error::Sql(_))));
        assert!(matches!(writer.fetch("SELECT $0", args!["a"], Take::All), Err(Error::Sql(_))));
    }

    #[test]
    fn a_taken_key_is_told_apart_from_other_failures() {
        let dir = tempfile::tempdir().unwrap();
        let writer = database(&dir).writer().unwrap();
        writer.execute("CREATE TABLE t (a TEXT PRIMARY KEY, b BIGINT UNIQUE, c BIGINT NOT NULL)", &[]).unwrap();
        let put = |a: &str, b: i64, c: Option<i64>| writer.execute("INSERT INTO t VALUES ($1, $2, $3)", args![a, b, c]);
        assert_eq!(put("x", 1, Some(1)).unwrap(), 1);
        assert!(matches!(put("x", 2, Some(1)), Err(Error::Duplicate(_))));
        assert!(matches!(put("y", 1, Some(1)), Err(Error::Duplicate(_))));
        assert!(matches!(put("y", 2, None), Err(Error::Sql(_))));
    }

    #[tokio::test]
    async fn a_reader_cannot_write_and_one_that_is_given_up_goes_back() {
        let dir = tempfile::tempdir().unwrap();
        let writer = database(&dir).writer().unwrap();
        writer.execute("CREATE TABLE t (a BIGINT)", &[]).unwrap();
        let readers = Arc::new(Readers::new(database(&dir), 1));
        let mut lent = readers.lend().await.unwrap();
        let connection = lent.connection().unwrap();
        assert!(connection.execute("INSERT INTO t VALUES (1)", &[]).is_err());
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        let (go_on, may_go_on) = std::sync::mpsc::channel();
        let waiting = tokio::spawn(lent.run(move |connection| {
            let _ = begun.send(());
            let _: Result<(), _> = may_go_on.recv();
            connection.fetch("SELECT a FROM t", &[], Take::All)
        }));
        has_begun.await.unwrap();
        waiting.abort();
        go_on.send(()).unwrap();
        assert!(readers.lend().await.unwrap().connection().is_ok());
    }
}
