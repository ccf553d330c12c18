//! Who drives: one owner for each server that shares the database, and how long each has lived.

use std::time::Duration;

use base::Timestamp;

use crate::args;
use crate::error::Error;
use crate::tx::Tx;

/// The longest time for which somebody says in advance that it will live.
pub const LONGEST: Duration = Duration::from_secs(60);

/// Says that `owner` lives, and that it may until `until`; a server that stops says when it did.
pub async fn beat(tx: &mut Tx, owner: &str, until: Timestamp) -> Result<(), Error> {
    let sql = "INSERT INTO driver_owner (owner, until) VALUES ($1, $2)
               ON CONFLICT (owner) DO UPDATE SET until = excluded.until";
    tx.execute(sql, args![owner, until]).await.map(|_| ())
}

/// For how long certainly nobody has worked at a machine's row: its holder may have lived until then. `me` counts as
/// dead, so this is for a server that has just started. Zero when it is not known; `None` when another server holds the
/// row and its lease has not run out.
pub async fn down_for(tx: &mut Tx, me: &str, kind: &str, id: &str) -> Result<Option<Duration>, Error> {
    let now = tx.now();
    let since = |until: Option<Timestamp>| Some(until.map_or(Duration::ZERO, |until| now.since(until)));
    let sql = "SELECT owner, visible FROM outbox WHERE kind = $1 AND machine_id = $2 AND owner <> ''
               ORDER BY visible DESC LIMIT 1";
    let Some(held) = tx.fetch_optional(sql, args![kind, id]).await? else {
        // Whoever lives could have taken it up. Nobody promises to live longer: that was a clock that went wrong.
        let sql = "SELECT MAX(until) FROM driver_owner WHERE until <= $1";
        let last = tx.fetch_optional(sql, args![now + LONGEST]).await?;
        return Ok(since(last.map_or(Ok(None), |row| row.opt_time(0))?));
    };
    let (owner, lease_end) = (held.text(0)?, held.time(1)?);
    if owner != me && lease_end > now {
        return Ok(None);
    }
    let until = tx.fetch_optional("SELECT until FROM driver_owner WHERE owner = $1", args![&owner]).await?;
    Ok(since(until.map(|row| row.time(0)).transpose()?))
}
