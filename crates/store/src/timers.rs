//! Timers of machine rows. A due timer becomes an input, in the transaction that removes it.

use base::Timestamp;
use serde_json::Value;

use crate::advance::advance_erased;
use crate::args;
use crate::error::Error;
use crate::setback::{causes, pause};
use crate::tx::Tx;

pub(crate) async fn set(
    tx: &mut Tx,
    kind: &str,
    id: &str,
    key: &str,
    due: Timestamp,
    input: &Value,
) -> Result<(), Error> {
    tx.wake_driver = true;
    tx.execute(
        "INSERT INTO timer (kind, machine_id, key, due, input) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (kind, machine_id, key) DO UPDATE SET due = excluded.due, input = excluded.input, attempts = 0",
        args![kind, id, key, due, input.to_string()],
    )
    .await?;
    Ok(())
}

pub(crate) async fn clear(tx: &mut Tx, kind: &str, id: &str, key: &str) -> Result<(), Error> {
    let sql = "DELETE FROM timer WHERE kind = $1 AND machine_id = $2 AND key = $3";
    tx.execute(sql, args![kind, id, key]).await?;
    Ok(())
}

/// Fires up to `limit` timers that are due and says how many there were. One that cannot be fired (its input cannot be
/// read, its machine is of a kind that we do not know) is set back, and the others fire.
pub async fn fire_due(tx: &mut Tx, limit: u32) -> Result<usize, Error> {
    let now = tx.now();
    let sql = "SELECT kind, machine_id, key, input, due, attempts FROM timer WHERE due <= $1 ORDER BY due LIMIT $2";
    let rows = tx.fetch_all(sql, args![now, limit]).await?;
    for row in &rows {
        let timer = Due { kind: row.text(0)?, id: row.text(1)?, key: row.text(2)?, due: row.time(4)? };
        let (input, fired) = (row.text(3)?, timer.clone());
        let outcome = tx.attempt(|tx| Box::pin(fire(tx, fired, input))).await?;
        if let Err(e) = outcome {
            set_back(tx, &timer, row.int(5)? + 1, &e).await?;
        }
    }
    Ok(rows.len())
}

/// A timer whose time has come.
#[derive(Clone)]
struct Due {
    kind: String,
    id: String,
    key: String,
    due: Timestamp,
}

async fn fire(tx: &mut Tx, timer: Due, input: String) -> Result<(), Error> {
    let Due { kind, id, key, due } = timer;
    let sql = "DELETE FROM timer WHERE kind = $1 AND machine_id = $2 AND key = $3 AND due = $4";
    if tx.execute(sql, args![&kind, &id, &key, due]).await? == 0 {
        // A timer before it in this batch has cleared it or moved it.
        return Ok(());
    }
    let input = serde_json::from_str(&input).map_err(|source| Error::BadInput { kind: kind.clone(), source })?;
    advance_erased(tx, &kind, &id, input).await
}

async fn set_back(tx: &mut Tx, timer: &Due, attempts: i64, error: &Error) -> Result<(), Error> {
    let pause = pause(attempts);
    tracing::error!(
        error = causes(error), machine.kind = %timer.kind, machine.id = %timer.id, timer.key = %timer.key, attempts,
        retry_in_seconds = pause.as_secs(), "a timer could not be fired and is set back"
    );
    let due = tx.now() + pause;
    let sql = "UPDATE timer SET due = $4, attempts = $5 WHERE kind = $1 AND machine_id = $2 AND key = $3";
    tx.execute(sql, args![&timer.kind, &timer.id, &timer.key, due, attempts]).await?;
    Ok(())
}
