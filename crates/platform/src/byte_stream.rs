//! Bodies that are not held in memory.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};

/// A body that arrives or leaves piece by piece.
pub struct ByteStream {
    inner: Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>,
    length: Option<u64>,
}

impl ByteStream {
    /// From a stream, with its whole length in bytes where it is known beforehand.
    pub fn new(stream: impl Stream<Item = io::Result<Bytes>> + Send + 'static, length: Option<u64>) -> Self {
        ByteStream { inner: Box::pin(stream), length }
    }

    /// The whole length in bytes, where it is known beforehand.
    pub fn length(&self) -> Option<u64> {
        self.length
    }

    /// Reads all of it; more than `limit` bytes are an error.
    pub async fn collect(mut self, limit: usize) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        while let Some(piece) = self.next().await {
            let piece = piece?;
            if all.len() + piece.len() > limit {
                return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("more than {limit} bytes")));
            }
            all.extend_from_slice(&piece);
        }
        Ok(all)
    }
}

impl From<Bytes> for ByteStream {
    fn from(bytes: Bytes) -> Self {
        let length = u64::try_from(bytes.len()).ok();
        ByteStream::new(futures_util::stream::iter((!bytes.is_empty()).then_some(Ok(bytes))), length)
    }
}

impl Stream for ByteStream {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.inner.as_mut().poll_next(cx)
    }
}
