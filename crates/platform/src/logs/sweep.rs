//! Removing what nobody may see any more.

use std::time::Duration;

use store::Store;
use store::tables::{logs_event, logs_group, logs_stream};

/// At most this many events go in one transaction, so that others are not held up.
const BATCH: i64 = 2_000;

/// Removes events that are older than their group's retention, and those of groups and streams that were deleted.
/// Works in small transactions until nothing is left; gives how many events went. The driver calls it now and then.
pub async fn sweep(store: &Store) -> Result<u64, store::Error> {
    let mut gone = 0;
    loop {
        let now = store.write(|tx| Box::pin(logs_event::sweep_garbage(tx, BATCH))).await?;
        gone += now;
        if now == 0 {
            break;
        }
    }
    let groups = {
        let mut tx = store.read().await?;
        logs_group::with_retention(&mut tx).await?
    };
    for (group, days) in groups {
        loop {
            let days = u64::try_from(days).unwrap_or_default();
            let now = store
                .write(move |tx| {
                    Box::pin(async move {
                        let before = tx.now() - Duration::from_secs(days.saturating_mul(86_400));
                        let (now, bytes) = logs_event::delete_before(tx, group, before.millis(), BATCH).await?;
                        for (stream, bytes) in bytes {
                            logs_stream::shrink(tx, stream, bytes).await?;
                        }
                        Ok::<_, store::Error>(now)
                    })
                })
                .await?;
            gone += now;
            if now == 0 {
                break;
            }
        }
    }
    Ok(gone)
}
