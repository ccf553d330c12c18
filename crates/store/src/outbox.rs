//! The outbox: effects that are committed and not yet known to be done.
//!
//! Performing is at-least-once: a claim is a lease with a fencing number, and only the holder of the newest
//! fence may finish a row.

use std::time::Duration;

use base::{Scope, Timestamp};
use serde_json::Value;

use crate::args;
use crate::db::Store;
use crate::error::Error;
use crate::line::{HOLDS_ITS_LINE, wake_head};
use crate::machine;
use crate::setback::{causes, pause};
use crate::sql::SqlRow;
use crate::tx::{Dialect, Tx};

/// An effect that this process holds the lease on.
#[derive(Clone, Debug)]
pub struct Claimed {
    pub seq: i64,
    pub kind: String,
    pub machine_id: String,
    pub scope: Scope,
    /// The effect's idempotency key, unique within the machine's row.
    pub key: String,
    pub effect: Value,
    /// How many claims there have been, this one included, without those of servers that died over them.
    pub attempts: i64,
    pub created: Timestamp,
    pub(crate) fence: i64,
}

/// How deep the outbox is and how long its oldest row has waited.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Depth {
    pub rows: i64,
    pub oldest: Option<Timestamp>,
}

/// Adds an effect of the machine row (kind, id) that nobody claims before `delay` has passed.
pub(crate) async fn put(
    tx: &mut Tx,
    (kind, id): (&str, &str),
    scope: &Scope,
    key: &str,
    effect: String,
    delay: Duration,
) -> Result<(), Error> {
    let now = tx.now();
    tx.wake_driver = true;
    // A key that is there already is the same effect asked for twice.
    tx.execute(
        "INSERT INTO outbox (kind, machine_id, account, region, key, effect, created, visible, attempts, fence, owner)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0, '') ON CONFLICT (kind, machine_id, key) DO NOTHING",
        args![kind, id, scope.account.as_str(), scope.region.as_str(), key, effect, now, now + delay],
    )
    .await?;
    Ok(())
}

/// Claims up to `limit` rows that are visible now, oldest first, for `lease`.
pub async fn claim(store: &Store, owner: &str, limit: u32, lease: Duration) -> Result<Vec<Claimed>, Error> {
    let owner = owner.to_owned();
    store
        .write(move |tx| {
            let owner = owner.clone();
            Box::pin(async move {
                let sql = match tx.dialect() {
                    Dialect::Sqlite => {
                        "UPDATE outbox SET visible = $1, fence = fence + 1, attempts = attempts + 1, owner = $2
                         WHERE seq IN (SELECT seq FROM outbox WHERE visible <= $3 ORDER BY visible, seq LIMIT $4)
                         RETURNING seq, kind, machine_id, account, region, key, effect, attempts, created, fence"
                    }
                    Dialect::Postgres => {
                        "UPDATE outbox SET visible = $1, fence = fence + 1, attempts = attempts + 1, owner = $2
                         WHERE seq IN (SELECT seq FROM outbox WHERE visible <= $3 ORDER BY visible, seq LIMIT $4
                                       FOR UPDATE SKIP LOCKED)
                         RETURNING seq, kind, machine_id, account, region, key, effect, attempts, created, fence"
                    }
                };
                let now = tx.now();
                let rows = tx.fetch_all(sql, args![now + lease, owner, now, limit]).await?;
                let mut claimed = Vec::new();
                for row in &rows {
                    match read(row) {
                        Ok(effect) => claimed.push(effect),
                        Err(e) => set_back(tx, row, &e).await?,
                    }
                }
                Ok(claimed)
            })
        })
        .await
}

/// Removes a row that is done, together with whatever else the transaction writes. When the lease is lost
/// this fails, and so does the transaction: somebody else has the row now.
pub async fn finish(tx: &mut Tx, claimed: &Claimed) -> Result<(), Error> {
    let gone =
        tx.execute("DELETE FROM outbox WHERE seq = $1 AND fence = $2", args![claimed.seq, claimed.fence]).await?;
    if gone == 1 { Ok(()) } else { Err(Error::LeaseLost { seq: claimed.seq }) }
}

/// Gives a row back, to be claimed again after `delay`.
pub async fn retry_later(tx: &mut Tx, claimed: &Claimed, delay: Duration) -> Result<(), Error> {
    let visible = tx.now() + delay;
    tx.wake_driver = true;
    tx.execute(
        "UPDATE outbox SET visible = $3, owner = '' WHERE seq = $1 AND fence = $2",
        args![claimed.seq, claimed.fence, visible],
    )
    .await?;
    let_pass(tx, claimed.attempts, &claimed.kind, &claimed.machine_id).await
}

/// Keeps the leases of `owner` alive for another `lease`.
pub async fn renew(tx: &mut Tx, owner: &str, lease: Duration) -> Result<u64, Error> {
    let until = tx.now() + lease;
    tx.execute("UPDATE outbox SET visible = $2 WHERE owner = $1", args![owner, until]).await
}

/// Drops all leases of `owner`: called at start, when whoever held them under this name is dead. Such a claim is no try:
/// it did not fail, and a server that was killed often must not make its successor wait long after the first failure.
pub async fn release(tx: &mut Tx, owner: &str) -> Result<u64, Error> {
    let now = tx.now();
    let sql = "UPDATE outbox SET visible = $2, owner = '', attempts = attempts - 1 WHERE owner = $1 AND attempts > 0";
    tx.execute(sql, args![owner, now]).await
}

/// The rows of one kind for which there still is something to do.
pub async fn owed(tx: &mut Tx, kind: &str) -> Result<Vec<String>, Error> {
    let sql = "SELECT DISTINCT machine_id FROM outbox WHERE kind = $1";
    tx.fetch_all(sql, args![kind]).await?.iter().map(|row| row.text(0)).collect()
}

/// For metrics.
pub async fn depth(tx: &mut Tx) -> Result<Depth, Error> {
    let row = tx.fetch_optional("SELECT COUNT(*), MIN(created) FROM outbox", &[]).await?;
    row.map_or(Ok(Depth::default()), |r| Ok(Depth { rows: r.int(0)?, oldest: r.opt_time(1)? }))
}

/// The effects that wait on one machine row, oldest first; for tests and for `headworks status`.
pub async fn of_machine(tx: &mut Tx, kind: &str, id: &str) -> Result<Vec<Claimed>, Error> {
    let sql = "SELECT seq, kind, machine_id, account, region, key, effect, attempts, created, fence
               FROM outbox WHERE kind = $1 AND machine_id = $2 ORDER BY seq";
    tx.fetch_all(sql, args![kind, id]).await?.iter().map(read).collect()
}

/// An effect that cannot be read must not hold up the others.
async fn set_back(tx: &mut Tx, row: &SqlRow, error: &Error) -> Result<(), Error> {
    let (seq, attempts) = (row.int(0)?, row.int(7)?);
    let pause = pause(attempts);
    tracing::error!(
        error = causes(error),
        effect.seq = seq,
        attempts,
        retry_in_seconds = pause.as_secs(),
        "an effect cannot be read and is set back"
    );
    let visible = tx.now() + pause;
    tx.execute("UPDATE outbox SET visible = $2, owner = '' WHERE seq = $1", args![seq, visible]).await?;
    let_pass(tx, attempts, &row.text(1)?, &row.text(2)?).await
}

/// One that has failed for long must not hold up those that stand in line behind it.
async fn let_pass(tx: &mut Tx, attempts: i64, kind: &str, id: &str) -> Result<(), Error> {
    if attempts > HOLDS_ITS_LINE { wake_head(tx, kind, id).await } else { Ok(()) }
}

fn read(row: &SqlRow) -> Result<Claimed, Error> {
    Ok(Claimed {
        seq: row.int(0)?,
        kind: row.text(1)?,
        machine_id: row.text(2)?,
        scope: machine::scope(row.text(3)?, row.text(4)?)?,
        key: row.text(5)?,
        effect: row.json(6)?,
        attempts: row.int(7)?,
        created: row.time(8)?,
        fence: row.int(9)?,
    })
}
