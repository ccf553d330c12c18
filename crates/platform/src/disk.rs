//! How much room is left where the data lives.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base::ApiError;

/// Watches the free space: warns early, refuses uploads, pushes and new builds before the disk is really full.
#[derive(Debug)]
pub struct Disk {
    dir: PathBuf,
    warn_free_bytes: u64,
    min_free_bytes: u64,
    free_bytes: AtomicU64,
}

impl Disk {
    /// Looks once.
    pub fn new(dir: &Path, warn_free_bytes: u64, min_free_bytes: u64) -> Self {
        let disk = Disk { dir: dir.to_owned(), warn_free_bytes, min_free_bytes, free_bytes: AtomicU64::new(u64::MAX) };
        disk.look();
        disk
    }

    /// Has room for everything; for tests.
    pub fn unwatched() -> Self {
        Disk { dir: PathBuf::from("/"), warn_free_bytes: 0, min_free_bytes: 0, free_bytes: AtomicU64::new(u64::MAX) }
    }

    /// Bytes that were free at the last look.
    pub fn free_bytes(&self) -> u64 {
        self.free_bytes.load(Ordering::Relaxed)
    }

    /// An error when there is too little room to take anything new.
    pub fn room(&self) -> Result<(), ApiError> {
        let free = self.free_bytes();
        if free >= self.min_free_bytes {
            return Ok(());
        }
        let message = format!(
            "The server's disk is nearly full: {free} bytes are free in its data folder and {} are kept back \
             (setting disk.min_free_bytes). Free some space and try again.",
            self.min_free_bytes
        );
        Err(ApiError::server("InsufficientStorage", 507, message))
    }

    /// Looks again.
    pub fn look_quietly(&self) {
        match rustix::fs::statvfs(&self.dir) {
            Ok(stat) => self.free_bytes.store(stat.f_bavail.saturating_mul(stat.f_frsize), Ordering::Relaxed),
            Err(e) => tracing::warn!(error = %e, dir = %self.dir.display(), "cannot tell how full the disk is"),
        }
    }

    /// Looks again and warns when space runs short.
    pub fn look(&self) {
        self.look_quietly();
        let free = self.free_bytes();
        if free < self.min_free_bytes {
            tracing::error!(
                disk.free_bytes = free,
                "the disk is nearly full: uploads, pushes and new builds are refused, and running builds are ended"
            );
        } else if free < self.warn_free_bytes {
            tracing::warn!(disk.free_bytes = free, "the disk is filling up");
        }
    }

    /// Looks every ten seconds, for as long as the server runs.
    pub async fn watch(&self) {
        loop {
            tokio::time::sleep(Duration::from_secs(10)).await;
            self.look();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_little_room_is_refused_with_the_setting_to_change() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Disk::new(dir.path(), 0, 0).room().is_ok());
        let e = Disk::new(dir.path(), u64::MAX, u64::MAX).room().unwrap_err();
        assert!(e.message.contains("disk.min_free_bytes"), "{e}");
    }
}
