//! What waits for the driver, told in one statement: it asks after every commit.

use base::Timestamp;

use crate::error::Error;
use crate::tx::Tx;

/// When there is work, by where it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// When the next timer is due.
    pub timer: Option<Timestamp>,
    /// When the next effect that nobody holds may be claimed.
    pub effect: Option<Timestamp>,
    /// When the next event may be delivered; another of its lane may still be before it.
    pub event: Option<Timestamp>,
}

/// Looks at timers, outbox and events.
pub async fn due(tx: &mut Tx) -> Result<Due, Error> {
    // However many events wait, the first that is not set back is found at once.
    let sql = "SELECT (SELECT MIN(due) FROM timer), (SELECT MIN(visible) FROM outbox),
                      CASE WHEN EXISTS (SELECT 1 FROM event WHERE published IS NULL AND due = 0) THEN 0
                      ELSE (SELECT MIN(due) FROM event WHERE published IS NULL AND due > 0) END";
    let Some(row) = tx.fetch_optional(sql, &[]).await? else { return Ok(Due::default()) };
    Ok(Due { timer: row.opt_time(0)?, effect: row.opt_time(1)?, event: row.opt_time(2)? })
}
