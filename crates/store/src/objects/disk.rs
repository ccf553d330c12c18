//! The data folder's `objects` directory.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use base::Ids;

use super::pool::Pool;
use super::{BlobFile, BlobId, ChecksumAlgorithm, ObjectError, ObjectWriter};

/// The content store. Cheap to clone.
#[derive(Clone)]
pub struct Objects {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    root: PathBuf,
    ids: Arc<dyn Ids>,
    pub(super) pool: Arc<Pool>,
    /// The file system's own time at which this store was opened: (seconds, nanoseconds).
    pub(super) opened: (i64, i64),
    cleared: AtomicU64,
}

/// The room on the disk below the content store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    pub total_bytes: u64,
    pub free_bytes: u64,
}

impl Objects {
    /// Opens (and makes, if need be) the store in `root`. Half-written content of an earlier run is removed.
    /// One process at a time may have a folder open.
    pub fn open(root: impl Into<PathBuf>, ids: Arc<dyn Ids>) -> Result<Self, ObjectError> {
        let root = root.into();
        let failed = |what: &'static str| move |e| ObjectError::io(what, e);
        fs::create_dir_all(root.join("blobs")).map_err(failed("make the folder for content"))?;
        match fs::remove_dir_all(root.join("incoming")) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                return Err(ObjectError::io("remove half-written content", e));
            }
            _ => {}
        }
        fs::create_dir(root.join("incoming")).map_err(failed("make the folder for incoming content"))?;
        sync_dir(&root).map_err(failed("sync the folder for content"))?;
        let opened = changed(&root.join("incoming")).map_err(failed("look at the folder for content"))?;
        let inner = Inner { root, ids, pool: Arc::default(), opened, cleared: AtomicU64::new(0) };
        Ok(Objects { inner: Arc::new(inner) })
    }

    /// A writer of new content, with MD5 alone; see its builder methods. Nothing touches the disk before there is
    /// more content than may stay inline.
    pub fn writer(&self) -> ObjectWriter {
        ObjectWriter::new(self.clone())
    }

    /// A writer that also computes `checksums`.
    pub fn writer_with(&self, checksums: &[ChecksumAlgorithm]) -> ObjectWriter {
        self.writer().checksums(checksums)
    }

    /// Where a blob lies. Others may read the file but must not change it.
    pub fn path(&self, blob: &BlobId) -> PathBuf {
        self.inner.blobs().join(blob.shard()).join(blob.as_str())
    }

    /// Opens a blob. An open blob can be read to its end even when it is deleted meanwhile.
    pub async fn open_blob(&self, blob: &BlobId) -> Result<BlobFile, ObjectError> {
        let path = self.path(blob);
        let name = blob.to_string();
        // Opening is a few microseconds unless the directory is cold.
        blocking(move || match File::open(&path).and_then(|f| Ok((f.metadata()?.len(), f))) {
            Ok((size, file)) => Ok((size, file)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Err(ObjectError::Missing { blob: name }),
            Err(e) => Err(ObjectError::io("open content", e)),
        })
        .await
        .map(|(size, file)| BlobFile::new(file, size, self.inner.pool.clone()))
    }

    /// A second name for the same content, without copying it; synced when it returns.
    pub async fn duplicate(&self, blob: &BlobId) -> Result<BlobId, ObjectError> {
        let copy = self.fresh_id();
        let (from, to, inner, shard) = (self.path(blob), self.path(&copy), self.inner.clone(), copy.shard().to_owned());
        let name = blob.to_string();
        blocking(move || {
            inner.shard(&shard).map_err(|e| ObjectError::io("make a folder for content", e))?;
            match fs::hard_link(&from, &to) {
                Ok(()) => {}
                Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(ObjectError::Missing { blob: name }),
                // No hard links here, or too many of this file: a real copy, by way of `incoming`.
                Err(_) => inner.copy(&from, &to).map_err(|e| ObjectError::io("copy content", e))?,
            }
            inner.sync_shard(&shard).map_err(|e| ObjectError::io("sync a folder for content", e))
        })
        .await?;
        Ok(copy)
    }

    /// Deletes blobs that no row names any more. One that is gone already is no error.
    pub async fn delete(&self, blobs: Vec<BlobId>) -> Result<(), ObjectError> {
        if blobs.is_empty() {
            return Ok(());
        }
        let paths: Vec<PathBuf> = blobs.iter().map(|b| self.path(b)).collect();
        blocking(move || {
            for path in paths {
                match fs::remove_file(path) {
                    Err(e) if e.kind() != io::ErrorKind::NotFound => {
                        return Err(ObjectError::io("delete content", e));
                    }
                    _ => {}
                }
            }
            Ok(())
        })
        .await
    }

    /// Deletes everything. The folder is moved aside first, so that this takes the same short time however much
    /// there is; the rest happens in the background.
    pub async fn clear(&self) -> Result<(), ObjectError> {
        let inner = self.inner.clone();
        let aside = blocking(move || {
            let n = inner.cleared.fetch_add(1, Ordering::Relaxed);
            let aside = inner.root.join(format!("incoming/cleared-{n}"));
            fs::rename(inner.blobs(), &aside).map_err(|e| ObjectError::io("move all content aside", e))?;
            fs::create_dir(inner.blobs()).map_err(|e| ObjectError::io("make the folder for content", e))?;
            Ok(aside)
        })
        .await?;
        tokio::task::spawn_blocking(move || fs::remove_dir_all(aside));
        Ok(())
    }

    /// The room on the disk.
    pub fn space(&self) -> Result<Space, ObjectError> {
        let stat =
            rustix::fs::statvfs(&self.inner.root).map_err(|e| ObjectError::io("ask for the room on disk", e.into()))?;
        Ok(Space { total_bytes: stat.f_blocks * stat.f_frsize, free_bytes: stat.f_bavail * stat.f_frsize })
    }

    pub(super) fn fresh_id(&self) -> BlobId {
        BlobId::from_uuid(self.inner.ids.uuid())
    }
}

impl Inner {
    pub(super) fn blobs(&self) -> PathBuf {
        self.root.join("blobs")
    }

    pub(super) fn incoming(&self, blob: &BlobId) -> PathBuf {
        self.root.join("incoming").join(blob.as_str())
    }

    /// Makes the folder of a shard when it is the first blob there.
    pub(super) fn shard(&self, shard: &str) -> io::Result<()> {
        match fs::create_dir(self.blobs().join(shard)) {
            Ok(()) => sync_dir(&self.blobs()),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(e) => Err(e),
        }
    }

    pub(super) fn sync_shard(&self, shard: &str) -> io::Result<()> {
        sync_dir(&self.blobs().join(shard))
    }

    fn copy(&self, from: &Path, to: &Path) -> io::Result<()> {
        let name = to.file_name().unwrap_or_default();
        let half = self.root.join("incoming").join(name);
        let copied =
            fs::copy(from, &half).and_then(|_| File::open(&half)?.sync_data()).and_then(|()| fs::rename(&half, to));
        if copied.is_err() {
            // Best effort: what is left in `incoming` goes at the next start.
            let _ = fs::remove_file(&half);
        }
        copied
    }
}

pub(super) fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// When the file system last changed the entry (content, name or links).
pub(super) fn changed(path: &Path) -> io::Result<(i64, i64)> {
    use std::os::unix::fs::MetadataExt;
    let meta = fs::symlink_metadata(path)?;
    Ok((meta.ctime(), meta.ctime_nsec()))
}

/// Runs file system work on a thread that may block.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ObjectError> + Send + 'static,
) -> Result<T, ObjectError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| ObjectError::Panicked)?
}
