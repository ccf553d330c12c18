//! Effects that wait in line: those of one machine row are performed one after the other, in the order of their keys.
//!
//! Only the head of a line can be claimed. Those behind it sleep, and whoever leaves the line wakes the next, so that a long
//! line costs no more for each than a short one. An effect that has failed for long stands in nobody's way any more.

use std::time::Duration;

use base::Scope;
use serde_json::Value;

use crate::args;
use crate::error::Error;
use crate::outbox::{self, Claimed};
use crate::tx::Tx;

/// After this many claims (half a minute of failures) an effect lets those behind it pass.
pub(crate) const HOLDS_ITS_LINE: i64 = 6;
/// Nobody sleeps longer, should whoever was to wake it be lost.
const LONGEST_SLEEP: Duration = Duration::from_secs(600);

/// Asks for work that no machine has asked for, once by its key, which gives it its place in the line of `kind` and `id`.
pub async fn join(tx: &mut Tx, kind: &str, id: &str, scope: &Scope, key: &str, effect: &Value) -> Result<(), Error> {
    lock(tx, kind, id).await?;
    let sql = "SELECT 1 FROM outbox WHERE kind = $1 AND machine_id = $2 AND attempts <= $3 LIMIT 1";
    let is_held = tx.fetch_optional(sql, args![kind, id, HOLDS_ITS_LINE]).await?.is_some();
    let sleep = if is_held { LONGEST_SLEEP } else { Duration::ZERO };
    outbox::put(tx, (kind, id), scope, key, effect.to_string(), sleep).await
}

/// Whether anything is in line, what has failed for long included.
pub async fn is_waiting(tx: &mut Tx, kind: &str, id: &str) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM outbox WHERE kind = $1 AND machine_id = $2 LIMIT 1";
    Ok(tx.fetch_optional(sql, args![kind, id]).await?.is_some())
}

/// Whether nothing before it stands in its way.
pub async fn has_turn(tx: &mut Tx, claimed: &Claimed) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM outbox WHERE kind = $1 AND machine_id = $2 AND key < $3 AND attempts <= $4 LIMIT 1";
    let before = args![&claimed.kind, &claimed.machine_id, &claimed.key, HOLDS_ITS_LINE];
    Ok(tx.fetch_optional(sql, before).await?.is_none())
}

/// Gives back what was claimed out of its turn, as if it had never been claimed.
pub async fn step_aside(tx: &mut Tx, claimed: &Claimed) -> Result<(), Error> {
    lock(tx, &claimed.kind, &claimed.machine_id).await?;
    // Whoever was before it may have left the line since.
    let sleep = if has_turn(tx, claimed).await? { Duration::ZERO } else { LONGEST_SLEEP };
    let visible = tx.now() + sleep;
    tx.wake_driver = true;
    let sql = "UPDATE outbox SET visible = $3, owner = '', attempts = 0 WHERE seq = $1 AND fence = $2";
    tx.execute(sql, args![claimed.seq, claimed.fence, visible]).await?;
    wake_head(tx, &claimed.kind, &claimed.machine_id).await
}

/// As [`outbox::finish`], and the next has its turn.
pub async fn finish(tx: &mut Tx, claimed: &Claimed) -> Result<(), Error> {
    lock(tx, &claimed.kind, &claimed.machine_id).await?;
    outbox::finish(tx, claimed).await?;
    wake_head(tx, &claimed.kind, &claimed.machine_id).await
}

/// Wakes the first that does not let others pass, if it sleeps: one that was tried comes back at its own time.
pub(crate) async fn wake_head(tx: &mut Tx, kind: &str, id: &str) -> Result<(), Error> {
    let now = tx.now();
    let sql = "UPDATE outbox SET visible = $4 WHERE attempts = 0 AND visible > $4 AND seq =
               (SELECT seq FROM outbox WHERE kind = $1 AND machine_id = $2 AND attempts <= $3 ORDER BY key LIMIT 1)";
    tx.wake_driver |= tx.execute(sql, args![kind, id, HOLDS_ITS_LINE, now]).await? > 0;
    Ok(())
}

/// Else one could lie down behind another that leaves at the same moment, and nobody would wake it.
async fn lock(tx: &mut Tx, kind: &str, id: &str) -> Result<(), Error> {
    tx.lock(&format!("line:{kind}:{id}")).await
}
