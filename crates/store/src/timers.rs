//! Timers of machine rows. A due timer becomes an input, in the transaction that removes it.

use base::Timestamp;
use serde_json::Value;

use crate::advance::advance_erased;
use crate::args;
use crate::error::Error;
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
         ON CONFLICT (kind, machine_id, key) DO UPDATE SET due = excluded.due, input = excluded.input",
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

/// Fires up to `limit` timers that are due and says how many there were.
pub async fn fire_due(tx: &mut Tx, limit: u32) -> Result<usize, Error> {
    let now = tx.now();
    let sql = "SELECT kind, machine_id, key, input FROM timer WHERE due <= $1 ORDER BY due LIMIT $2";
    let rows = tx.fetch_all(sql, args![now, limit]).await?;
    for row in &rows {
        let (kind, id, key) = (row.text(0)?, row.text(1)?, row.text(2)?);
        clear(tx, &kind, &id, &key).await?;
        advance_erased(tx, &kind, &id, row.json(3)?).await?;
    }
    Ok(rows.len())
}

/// When the next timer is due.
pub async fn next_due(tx: &mut Tx) -> Result<Option<Timestamp>, Error> {
    let row = tx.fetch_optional("SELECT MIN(due) FROM timer", &[]).await?;
    row.map_or(Ok(None), |r| r.opt_time(0))
}
