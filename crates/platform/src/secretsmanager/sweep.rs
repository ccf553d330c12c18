//! What deleted secrets leave.

use store::Store;
use store::tables::secretsmanager_secret;

/// Removes secrets whose time to be restored is over; gives how many.
pub async fn sweep(store: &Store) -> Result<usize, store::Error> {
    store
        .write(|tx| {
            Box::pin(async move {
                let now = tx.now();
                secretsmanager_secret::delete_ended(tx, now).await
            })
        })
        .await
}
