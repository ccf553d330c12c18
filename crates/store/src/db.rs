//! Opening the database and handing out connections.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base::Clock;
use sqlx::PgPool;
use tokio::runtime::Handle;
use tokio::sync::{Notify, mpsc};

use crate::error::Error;
use crate::kept::{Kept, Reader};
use crate::machines::Machines;
use crate::migrations;
use crate::postgres;
use crate::sqlite::{Database, Readers};
use crate::transitions::Transitions;
use crate::tx::{Conn, Tx};
use crate::write::{Job, refuse_inside_another, run_writer};

/// How to open a store.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// Connections for reading (SQLite) or for everything (PostgreSQL).
    pub connections: u32,
    /// Whether each commit reaches the disk before it is answered. Off only for tests that hold no truth.
    pub durable: bool,
}

impl Default for StoreOptions {
    fn default() -> Self {
        StoreOptions { connections: 4, durable: true }
    }
}

/// The database. Cheap to clone.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

pub(crate) struct Inner {
    pub db: Db,
    machines: Machines,
    clock: Arc<dyn Clock>,
    driver_hint: Arc<Notify>,
    transitions: Transitions,
}

pub(crate) enum Db {
    Sqlite { readers: Arc<Readers>, kept: Arc<Kept>, writer: mpsc::Sender<Job> },
    Postgres(PgPool),
}

impl Store {
    /// Opens the database at `url`, a file's path or `postgres://...`, and brings its schema up to date.
    pub async fn open(
        url: &str,
        machines: Machines,
        clock: Arc<dyn Clock>,
        options: StoreOptions,
    ) -> Result<Store, Error> {
        let driver_hint = Arc::new(Notify::new());
        if let Some(connect) = postgres::options(url)? {
            let pool = postgres::connect(url, connect, options.connections.max(2), postgres::PATIENCE).await?;
            let store = Store(Arc::new(Inner {
                db: Db::Postgres(pool),
                machines,
                clock,
                driver_hint,
                transitions: Transitions::default(),
            }));
            store.migrate_postgres().await?;
            return Ok(store);
        }
        open_sqlite(Path::new(url), machines, clock, options, driver_hint).await
    }

    /// Opens the database at `url` to look at it, whether or not a server runs on it. Nothing is made, moved or written, now or
    /// later; a schema that is not exactly this version's is an error that says so.
    pub async fn open_to_read(url: &str, clock: Arc<dyn Clock>) -> Result<Store, Error> {
        let db = match postgres::options(url)? {
            Some(connect) => {
                let connect = connect.options([("default_transaction_read_only", "on")]);
                Db::Postgres(postgres::connect(url, connect, 1, Duration::ZERO).await?)
            }
            None => {
                let readers = Arc::new(Readers::new(Database { path: url.into(), durable: true }, 1));
                let opened = readers.lend().await?.connection().map(drop);
                opened.map_err(|e| Error::Connect { url: url.to_owned(), source: Box::new(e) })?;
                // Nobody takes what is sent there: a write fails as on a closed store.
                let (writer, _) = mpsc::channel(1);
                Db::Sqlite { readers, kept: Arc::default(), writer }
            }
        };
        let (machines, driver_hint) = (Machines::new(), Arc::new(Notify::new()));
        let store = Store(Arc::new(Inner { db, machines, clock, driver_hint, transitions: Transitions::default() }));
        migrations::check(&mut store.acquire().await?).await?;
        Ok(store)
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }

    /// A connection for queries. On SQLite it cannot write.
    pub async fn read(&self) -> Result<Tx, Error> {
        refuse_inside_another()?;
        self.acquire().await
    }

    pub(crate) async fn acquire(&self) -> Result<Tx, Error> {
        let conn = match &self.0.db {
            Db::Sqlite { readers, kept, .. } => Conn::SqliteReader(Reader::new(readers.clone(), kept.clone())),
            Db::Postgres(pool) => Conn::Postgres(pool.acquire().await?),
        };
        Ok(Tx::new(conn, self.0.machines.clone(), self.0.clock.clone(), self.0.transitions.clone()))
    }

    /// Signalled after each commit that left work for the driver. Carries no data: look at the tables.
    pub fn driver_hint(&self) -> Arc<Notify> {
        self.0.driver_hint.clone()
    }

    pub(crate) fn transitions(&self) -> &Transitions {
        &self.0.transitions
    }

    /// The clock that rows are stamped with.
    pub fn clock(&self) -> Arc<dyn Clock> {
        self.0.clock.clone()
    }

    /// The kinds of machines that this store can step.
    pub fn machines(&self) -> &Machines {
        &self.0.machines
    }

    async fn migrate_postgres(&self) -> Result<(), Error> {
        let mut tx = self.acquire().await?;
        tx.execute("BEGIN", &[]).await?;
        // Two servers may start at once; the number is arbitrary but ours.
        tx.execute("SELECT pg_advisory_xact_lock(7239486)", &[]).await?;
        match migrations::run(&mut tx).await {
            Ok(()) => tx.execute("COMMIT", &[]).await.map(|_| ()),
            Err(e) => {
                tx.execute("ROLLBACK", &[]).await?;
                Err(e)
            }
        }
    }
}

async fn open_sqlite(
    path: &Path,
    machines: Machines,
    clock: Arc<dyn Clock>,
    options: StoreOptions,
    driver_hint: Arc<Notify>,
) -> Result<Store, Error> {
    make_private(path)?;
    let database = Database { path: path.to_owned(), durable: options.durable };
    let transitions = Transitions::default();
    let conn = Conn::SqliteWriter(database.writer()?);
    let mut tx = Tx::new(conn, machines.clone(), clock.clone(), transitions.clone());
    tx.execute("BEGIN IMMEDIATE", &[]).await?;
    migrations::run(&mut tx).await?;
    tx.execute("COMMIT", &[]).await?;
    let readers = Arc::new(Readers::new(database, options.connections));
    let (writer, jobs) = mpsc::channel(1024);
    let kept = Arc::new(Kept::default());
    let (runtime, run) =
        (Handle::current(), run_writer(tx, jobs, kept.clone(), driver_hint.clone(), transitions.clone()));
    let thread = std::thread::Builder::new().name("sqlite-writer".to_owned());
    // Ends when the store is dropped, and with it the last sender.
    let started = thread.spawn(move || runtime.block_on(run));
    started.map_err(|source| Error::Io { doing: "start the thread that writes".to_owned(), source })?;
    let db = Db::Sqlite { readers, kept, writer };
    Ok(Store(Arc::new(Inner { db, machines, clock, driver_hint, transitions })))
}

/// Makes the database's file before SQLite does: it holds keys and sources, which are nobody else's business. SQLite gives
/// its journals the mode of the file.
fn make_private(path: &Path) -> Result<(), Error> {
    use std::os::unix::fs::OpenOptionsExt;
    match std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(source) => Err(Error::Io { doing: format!("make {}", path.display()), source }),
    }
}
