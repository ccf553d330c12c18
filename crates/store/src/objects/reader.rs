//! Reading content as a stream of large pieces.

use std::fs::File;
use std::future::Future;
use std::io::{self, IoSliceMut};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;
use rustix::io::{Errno, ReadWriteFlags};
use tokio::task::JoinHandle;

use super::pool::{CHUNK_BYTES, Pool, lend};

/// An open blob.
#[derive(Clone)]
pub struct BlobFile {
    file: Arc<File>,
    size: u64,
    pool: Arc<Pool>,
}

impl BlobFile {
    pub(super) fn new(file: File, size: u64, pool: Arc<Pool>) -> Self {
        BlobFile { file: Arc::new(file), size, pool }
    }

    /// The content's length in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The file itself.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Streams `len` bytes from `offset`. Reading past the end is an error of the stream.
    pub fn stream(&self, offset: u64, len: u64) -> BlobStream {
        BlobStream { file: self.file.clone(), pool: self.pool.clone(), offset, left: len, waiting: None }
    }
}

/// A buffer and how much of it was filled.
type Piece = (Vec<u8>, usize);

/// Content in pieces of at most 256 KiB.
pub struct BlobStream {
    file: Arc<File>,
    pool: Arc<Pool>,
    offset: u64,
    left: u64,
    waiting: Option<JoinHandle<io::Result<Piece>>>,
}

impl BlobStream {
    fn piece(&mut self, buffer: Vec<u8>, len: usize) -> Option<io::Result<Bytes>> {
        if len == 0 {
            self.left = 0;
            return Some(Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "content on disk is shorter than its row says",
            )));
        }
        self.offset += len as u64;
        self.left -= (len as u64).min(self.left);
        Some(Ok(lend(&self.pool, buffer, len)))
    }

    fn failed(&mut self, e: io::Error) -> Option<io::Result<Bytes>> {
        self.left = 0;
        Some(Err(e))
    }
}

impl Stream for BlobStream {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if let Some(waiting) = &mut this.waiting {
            let Poll::Ready(done) = Pin::new(waiting).poll(cx) else {
                return Poll::Pending;
            };
            this.waiting = None;
            return Poll::Ready(match done {
                Ok(Ok((buffer, len))) => this.piece(buffer, len),
                Ok(Err(e)) => this.failed(e),
                Err(e) => this.failed(io::Error::other(e)),
            });
        }
        if this.left == 0 {
            return Poll::Ready(None);
        }
        let mut buffer = this.pool.take();
        let want = CHUNK_BYTES.min(usize::try_from(this.left).unwrap_or(CHUNK_BYTES));
        buffer.truncate(want);
        // What lies in the page cache is copied here and now: a hop to another thread costs as much as the copy.
        let now =
            rustix::io::preadv2(&this.file, &mut [IoSliceMut::new(&mut buffer)], this.offset, ReadWriteFlags::NOWAIT);
        match now {
            Ok(len) if len > 0 => return Poll::Ready(this.piece(buffer, len)),
            Ok(_) | Err(Errno::AGAIN | Errno::NOTSUP | Errno::INVAL | Errno::NOSYS | Errno::PERM | Errno::INTR) => {}
            Err(e) => return Poll::Ready(this.failed(e.into())),
        }
        let (file, offset) = (this.file.clone(), this.offset);
        this.waiting = Some(tokio::task::spawn_blocking(move || {
            use std::os::unix::fs::FileExt;
            loop {
                match file.read_at(&mut buffer, offset) {
                    Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                    Ok(len) => return Ok((buffer, len)),
                    Err(e) => return Err(e),
                }
            }
        }));
        self.poll_next(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::from(self.left > 0), None)
    }
}
