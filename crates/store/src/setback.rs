//! What fails is set back: it is tried again after a pause that grows, and holds up nothing behind it.

use std::time::Duration;

use crate::error::Error;
use crate::tx::Tx;

/// The longest pause between two tries.
const MAX_PAUSE: Duration = Duration::from_secs(300);

/// What has failed and waits to be tried again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    pub effects: i64,
    pub events: i64,
    pub timers: i64,
}

/// How long to wait after try number `attempts`: half a second, doubled each time, five minutes at most.
pub fn pause(attempts: i64) -> Duration {
    let doublings = u32::try_from(attempts.clamp(1, 16)).unwrap_or(16) - 1;
    Duration::from_millis(500).saturating_mul(1 << doublings).min(MAX_PAUSE)
}

/// Counts what is set back, for metrics.
pub async fn held(tx: &mut Tx) -> Result<Held, Error> {
    Ok(Held {
        effects: count(tx, "SELECT COUNT(*) FROM outbox WHERE attempts > 0 AND owner = ''").await?,
        events: count(tx, "SELECT COUNT(*) FROM event WHERE published IS NULL AND due > 0").await?,
        timers: count(tx, "SELECT COUNT(*) FROM timer WHERE attempts > 0").await?,
    })
}

async fn count(tx: &mut Tx, sql: &'static str) -> Result<i64, Error> {
    tx.fetch_optional(sql, &[]).await?.map_or(Ok(0), |row| row.int(0))
}

/// An error with its causes in one line, for the log.
pub fn causes(error: &Error) -> String {
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_stay_bounded() {
        assert_eq!(pause(1), Duration::from_millis(500));
        assert_eq!(pause(2), Duration::from_secs(1));
        assert_eq!(pause(1_000_000), MAX_PAUSE);
    }
}
