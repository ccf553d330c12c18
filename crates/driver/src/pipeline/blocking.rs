//! Work that waits for the disk.

use super::Trouble;
use crate::PerformError;

/// Runs what waits for the disk away from the threads that serve requests.
pub(super) async fn blocking<T: Send + 'static>(
    doing: &'static str,
    work: impl FnOnce() -> Result<T, Trouble> + Send + 'static,
) -> Result<T, Trouble> {
    tokio::task::spawn_blocking(work).await.map_err(|e| Trouble::Ours(PerformError::new(doing, e)))?
}
