//! Buffers that are used again: a fresh large buffer costs page faults on every read.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// One read or write. Large enough that calls do not count, small enough to stay in the processor's cache.
pub(super) const CHUNK_BYTES: usize = 256 * 1024;

/// At most this many idle buffers are kept (2 MiB).
const KEPT: usize = 8;

#[derive(Debug, Default)]
pub(super) struct Pool(Mutex<Vec<Vec<u8>>>);

impl Pool {
    /// A buffer whose length is `CHUNK_BYTES`; its content is whatever it was.
    pub(super) fn take(&self) -> Vec<u8> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        kept.unwrap_or_else(|| vec![0; CHUNK_BYTES])
    }

    /// Gives a buffer back.
    pub(super) fn give(&self, mut buffer: Vec<u8>) {
        if buffer.capacity() < CHUNK_BYTES {
            return;
        }
        buffer.resize(CHUNK_BYTES, 0);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < KEPT {
            kept.push(buffer);
        }
    }
}

struct Lent {
    buffer: Vec<u8>,
    len: usize,
    pool: Arc<Pool>,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        self.buffer.get(..self.len).unwrap_or_default()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.pool.give(std::mem::take(&mut self.buffer));
    }
}

/// The first `len` bytes of `buffer`, which returns to the pool when the last reader is done.
pub(super) fn lend(pool: &Arc<Pool>, buffer: Vec<u8>, len: usize) -> Bytes {
    Bytes::from_owner(Lent { buffer, len, pool: pool.clone() })
}
