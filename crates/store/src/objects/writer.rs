//! Writing new content.

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;

use bytes::Bytes;
use tokio::task::JoinHandle;

use super::disk::blocking;
use super::pool::CHUNK_BYTES;
use super::{BlobId, ChecksumAlgorithm, Checksums, Hasher, ObjectError, Objects};

/// Where content is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Small enough to be kept in the row that names it.
    Inline(Bytes),
    /// A file of its own.
    Blob(BlobId),
}

/// Finished content. A blob is on disk for good, but garbage until a row names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub content: Content,
    pub checksums: Checksums,
}

impl Stored {
    /// The content's length in bytes.
    pub fn size(&self) -> u64 {
        self.checksums.size
    }

    /// The blob, unless the content is inline.
    pub fn blob(&self) -> Option<&BlobId> {
        match &self.content {
            Content::Blob(id) => Some(id),
            Content::Inline(_) => None,
        }
    }
}

/// Takes content piece by piece. Dropped before `finish`, it leaves nothing behind.
pub struct ObjectWriter {
    objects: Objects,
    inline_max_bytes: Option<usize>,
    buffer: Vec<u8>,
    hasher: Option<Hasher>,
    spill: Spill,
}

enum Spill {
    /// All content so far is in the buffer.
    None,
    /// A full buffer is on its way to the file, while the next one fills.
    Busy(JoinHandle<Result<Box<HalfFile>, ObjectError>>),
}

impl ObjectWriter {
    pub(super) fn new(objects: Objects) -> Self {
        ObjectWriter {
            objects,
            inline_max_bytes: None,
            buffer: Vec::new(),
            hasher: Some(Hasher::new(&[])),
            spill: Spill::None,
        }
    }

    /// Computes these checksums as well. To be called before the first `write`.
    pub fn checksums(mut self, wanted: &[ChecksumAlgorithm]) -> Self {
        self.hasher = Some(Hasher::new(wanted));
        self
    }

    /// Keeps content of at most this many bytes in memory, for the caller's row: no file, no flush of its own.
    pub fn inline_up_to(mut self, bytes: usize) -> Self {
        self.inline_max_bytes = Some(bytes.min(CHUNK_BYTES));
        self
    }

    /// Takes the next bytes.
    pub async fn write(&mut self, mut data: &[u8]) -> Result<(), ObjectError> {
        while self.buffer.len() + data.len() > CHUNK_BYTES {
            let (now, later) = data.split_at(CHUNK_BYTES.saturating_sub(self.buffer.len()).min(data.len()));
            self.buffer.extend_from_slice(now);
            data = later;
            let mut next = self.objects.inner.pool.take();
            next.clear();
            let full = std::mem::replace(&mut self.buffer, next);
            let half = self.half_file().await?;
            let pool = self.objects.inner.pool.clone();
            self.spill = Spill::Busy(tokio::task::spawn_blocking(move || {
                let half = half.write(&full)?;
                pool.give(full);
                Ok(half)
            }));
        }
        self.buffer.extend_from_slice(data);
        Ok(())
    }

    /// The file with all that was handed to it before; made at the first call.
    async fn half_file(&mut self) -> Result<Box<HalfFile>, ObjectError> {
        match std::mem::replace(&mut self.spill, Spill::None) {
            Spill::Busy(job) => job.await.map_err(|_| ObjectError::Panicked)?,
            Spill::None => {
                let hasher = self.hasher.take().ok_or(ObjectError::Panicked)?;
                let id = self.objects.fresh_id();
                let path = self.objects.inner.incoming(&id);
                Ok(Box::new(HalfFile { id, hasher, file: None, removed: Removed(Some(path)) }))
            }
        }
    }

    /// Finishes. What is not inline has been synced, file and folder, when this returns.
    pub async fn finish(mut self) -> Result<Stored, ObjectError> {
        let rest = std::mem::take(&mut self.buffer);
        if matches!(self.spill, Spill::None) && self.inline_max_bytes.is_some_and(|max| rest.len() <= max) {
            let mut hasher = self.hasher.take().ok_or(ObjectError::Panicked)?;
            hasher.update(&rest);
            return Ok(Stored { content: Content::Inline(Bytes::from(rest)), checksums: hasher.finish() });
        }
        let half = self.half_file().await?;
        let objects = self.objects.clone();
        blocking(move || {
            let half = half.write(&rest)?;
            objects.inner.pool.give(rest);
            (*half).publish(&objects)
        })
        .await
    }
}

/// A file in `incoming`.
struct HalfFile {
    id: BlobId,
    hasher: Hasher,
    file: Option<File>,
    removed: Removed,
}

/// Removes the half-written file unless it was published.
struct Removed(Option<PathBuf>);

impl Drop for Removed {
    fn drop(&mut self) {
        if let Some(path) = self.0.take() {
            // Best effort: what is left in `incoming` goes at the next start.
            let _ = fs::remove_file(path);
        }
    }
}

impl HalfFile {
    fn write(mut self: Box<Self>, data: &[u8]) -> Result<Box<Self>, ObjectError> {
        let path = self.removed.0.clone().ok_or(ObjectError::Panicked)?;
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                let file = File::options().write(true).create_new(true).open(path);
                self.file.insert(file.map_err(|e| ObjectError::io("make a file for content", e))?)
            }
        };
        file.write_all(data).map_err(|e| ObjectError::io("write content", e))?;
        self.hasher.update(data);
        Ok(self)
    }

    fn publish(mut self, objects: &Objects) -> Result<Stored, ObjectError> {
        let path = self.removed.0.clone().ok_or(ObjectError::Panicked)?;
        let file = self.file.take().ok_or(ObjectError::Panicked)?;
        file.sync_all().map_err(|e| ObjectError::io("sync content", e))?;
        objects.inner.shard(self.id.shard()).map_err(|e| ObjectError::io("make a folder for content", e))?;
        fs::rename(&path, objects.path(&self.id)).map_err(|e| ObjectError::io("put content in its place", e))?;
        self.removed.0 = None;
        objects.inner.sync_shard(self.id.shard()).map_err(|e| ObjectError::io("sync a folder for content", e))?;
        let HalfFile { id, hasher, .. } = self;
        Ok(Stored { content: Content::Blob(id), checksums: hasher.finish() })
    }
}
