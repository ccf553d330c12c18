//! Collecting content that a crash left without a row.

use std::collections::HashSet;

use base::ApiError;
use store::Store;
use store::objects::{BlobId, Objects};
use store::tables::{s3_part, s3_version};

/// Deletes content from before this start that no row names; to be run once after a start, beside the work. Returns
/// how many files it deleted.
///
/// A database that names no content at all is not believed: it may be a new one beside an old data folder, and then
/// everything would be lost.
pub async fn sweep(store: &Store, objects: &Objects) -> Result<u64, ApiError> {
    {
        let mut tx = store.read().await?;
        if !s3_version::any_blob(&mut tx).await? && !s3_part::any_blob(&mut tx).await? {
            return Ok(0);
        }
    }
    objects.sweep(|blobs| named(store.clone(), blobs)).await
}

async fn named(store: Store, blobs: Vec<BlobId>) -> Result<HashSet<BlobId>, ApiError> {
    let mut tx = store.read().await?;
    let mut found = HashSet::new();
    for blob in blobs {
        let id = blob.as_str();
        if s3_version::names_blob(&mut tx, id).await? || s3_part::names_blob(&mut tx, id).await? {
            found.insert(blob);
        }
    }
    Ok(found)
}
