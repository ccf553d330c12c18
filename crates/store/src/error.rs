//! What can go wrong with the store.

use base::ApiError;
use rusqlite::ErrorCode;
use rusqlite::ffi::{SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE};

/// What a database said.
type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A failed read or write. Nothing of the transaction has happened.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk that holds the data is full.
    #[error("the disk that holds the data folder is full")]
    DiskFull,
    /// Another transaction was in the way; `Store::write` tries again by itself.
    #[error("another transaction was in the way")]
    Conflict(#[source] Cause),
    /// A row with this key exists already.
    #[error("a row with this key exists already")]
    Duplicate(#[source] Cause),
    /// Any other failure of the database.
    #[error("the database refused a statement")]
    Sql(#[source] Cause),
    /// A stored value is not what its column promises.
    #[error("column {column} holds what it must not hold")]
    Corrupt {
        column: String,
        #[source]
        source: Cause,
    },
    /// The database was written by a newer version of this program.
    #[error("the database has migration {number}, which this version does not know; start the newer version again")]
    NewerSchema { number: i64 },
    /// The database was last written by an older version of this program, and nothing may be changed now.
    #[error("the database lacks migration {number}: it is of an older version")]
    OlderSchema { number: i64 },
    /// There are no tables of ours.
    #[error("the database holds no tables of Headworks")]
    NoSchema,
    /// The URL is of no form that we know. Its password is masked.
    #[error("'{url}' cannot be used: {reason}")]
    BadUrl { url: String, reason: String },
    /// The database server does not answer, or refuses us. The password in the URL is masked.
    #[error("cannot connect to {url}")]
    Connect {
        url: String,
        #[source]
        source: Cause,
    },
    /// A lease was lost to another claim, so the result must not be written.
    #[error("the lease on outbox row {seq} was lost")]
    LeaseLost { seq: i64 },
    /// A machine's tell, timer or input cannot be read: a bug, or a database of another version.
    #[error("machine {kind} cannot take this input")]
    BadInput {
        kind: String,
        #[source]
        source: serde_json::Error,
    },
    /// A machine that `Machines` does not list.
    #[error("no machine is called {kind}")]
    UnknownMachine { kind: String },
    /// Machines told each other things without end.
    #[error("machines told each other more than {limit} things in one transaction")]
    TooManyTells { limit: usize },
    /// The closure that ran inside the transaction panicked; its message is in the log.
    #[error("the code inside the transaction panicked")]
    Panicked,
    /// The store was used beside the `Tx` of a transaction that runs: on SQLite that would wait for ever.
    #[error("the store was used inside one of its own transactions")]
    Nested,
    /// The commit that this transaction shared with others failed.
    #[error("the commit failed: {reason}")]
    Commit { reason: String },
    /// The store has been closed.
    #[error("the store is closed")]
    Closed,
    /// File system trouble beside the database.
    #[error("cannot {doing}")]
    Io {
        doing: String,
        #[source]
        source: std::io::Error,
    },
}

impl Error {
    /// Whether the moment is bad and not what was to be written: then a later try of the same may succeed.
    pub fn is_passing(&self) -> bool {
        match self {
            Error::DiskFull | Error::Conflict(_) | Error::Commit { .. } | Error::Closed | Error::Connect { .. } => true,
            // A connection that broke. What SQLite says it will say again.
            Error::Sql(e) => e.downcast_ref::<sqlx::Error>().is_some_and(|e| e.as_database_error().is_none()),
            Error::Duplicate(_)
            | Error::Corrupt { .. }
            | Error::NewerSchema { .. }
            | Error::OlderSchema { .. }
            | Error::NoSchema
            | Error::BadUrl { .. }
            | Error::LeaseLost { .. }
            | Error::BadInput { .. }
            | Error::UnknownMachine { .. }
            | Error::TooManyTells { .. }
            | Error::Panicked
            | Error::Nested
            | Error::Io { .. } => false,
        }
    }

    /// The same failure, for another transaction of the group that it took down.
    pub(crate) fn again(&self) -> Error {
        match self {
            Error::DiskFull => Error::DiskFull,
            other => Error::Commit { reason: other.to_string() },
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(e: sqlx::Error) -> Self {
        let Some(db) = e.as_database_error() else {
            return Error::Sql(e.into());
        };
        if db.is_unique_violation() {
            return Error::Duplicate(e.into());
        }
        match db.code().unwrap_or_default().as_ref() {
            "53100" => Error::DiskFull,
            "40001" | "40P01" => Error::Conflict(e.into()),
            _ => Error::Sql(e.into()),
        }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(e: rusqlite::Error) -> Self {
        let Some(failure) = e.sqlite_error() else {
            return Error::Sql(e.into());
        };
        match (failure.code, failure.extended_code) {
            (ErrorCode::DiskFull, _) => Error::DiskFull,
            (ErrorCode::DatabaseBusy, _) => Error::Conflict(e.into()),
            (_, SQLITE_CONSTRAINT_UNIQUE | SQLITE_CONSTRAINT_PRIMARYKEY) => Error::Duplicate(e.into()),
            _ => Error::Sql(e.into()),
        }
    }
}

impl From<Error> for ApiError {
    fn from(e: Error) -> Self {
        match e {
            Error::DiskFull => ApiError::server(
                "ServiceUnavailable",
                507,
                "The server's disk is full: free space in its data folder and try again.",
            ),
            other => ApiError::internal(other),
        }
    }
}
