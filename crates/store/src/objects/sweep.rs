//! Collecting content that no row names.

use std::collections::HashSet;
use std::fs;
use std::future::Future;
use std::io;

use super::disk::{blocking, changed};
use super::{BlobId, ObjectError, Objects};

impl Objects {
    /// Deletes blobs from before this store was opened that `named` does not give back: the leftovers of a crash.
    /// `named` gets the blobs of one folder at a time and answers with those that some row names. Younger blobs are
    /// left alone, since their rows may be about to be committed. Returns how many were deleted.
    pub async fn sweep<E, F>(&self, mut named: impl FnMut(Vec<BlobId>) -> F) -> Result<u64, E>
    where
        E: From<ObjectError>,
        F: Future<Output = Result<HashSet<BlobId>, E>>,
    {
        let inner = self.inner.clone();
        let shards = blocking(move || names(&inner.blobs())).await?;
        let mut deleted = 0;
        for shard in shards {
            let inner = self.inner.clone();
            let old = blocking(move || {
                let folder = inner.blobs().join(shard);
                let mut old: Vec<BlobId> = names(&folder)?.iter().filter_map(|n| BlobId::parse(n)).collect();
                old.retain(|b| changed(&folder.join(b.as_str())).is_ok_and(|at| at < inner.opened));
                Ok(old)
            })
            .await?;
            if old.is_empty() {
                continue;
            }
            let kept = named(old.clone()).await?;
            let garbage: Vec<BlobId> = old.into_iter().filter(|b| !kept.contains(b)).collect();
            deleted += garbage.len() as u64;
            self.delete(garbage).await?;
        }
        Ok(deleted)
    }
}

fn names(folder: &std::path::Path) -> Result<Vec<String>, ObjectError> {
    let list = |e| ObjectError::io("list content", e);
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|e| Ok(e.map_err(list)?.file_name().to_string_lossy().into_owned())).collect(),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(e) => Err(list(e)),
    }
}
