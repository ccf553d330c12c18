//! Bodies that are not held in memory.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};

/// A body that arrives or leaves piece by piece.
pub struct ByteStream {
    inner: Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>,
    length: Option<u64>,
    trailers: Trailers,
}

/// Headers that come after a body. Their names are announced before it, their values known once it has ended.
#[derive(Clone, Debug, Default)]
pub struct Trailers {
    announced: Vec<String>,
    received: Arc<OnceLock<Vec<(String, String)>>>,
}

impl Trailers {
    /// Trailers with these names (lower case) are to come.
    pub fn announced(names: Vec<String>) -> Self {
        Trailers { announced: names, received: Arc::default() }
    }

    /// The announced names.
    pub fn names(&self) -> &[String] {
        &self.announced
    }

    /// Called by who reads the body from the network, before the stream ends.
    pub fn receive(&self, trailers: Vec<(String, String)>) {
        // A body ends once; a second call would be a bug of the caller and changes nothing.
        let _ = self.received.set(trailers);
    }

    /// Names (lower case) and values; empty before the body has ended.
    pub fn received(&self) -> &[(String, String)] {
        self.received.get().map(Vec::as_slice).unwrap_or_default()
    }
}

impl ByteStream {
    /// From a stream, with its whole length in bytes where it is known beforehand.
    pub fn new(stream: impl Stream<Item = io::Result<Bytes>> + Send + 'static, length: Option<u64>) -> Self {
        ByteStream { inner: Box::pin(stream), length, trailers: Trailers::default() }
    }

    /// The whole length in bytes, where it is known beforehand.
    pub fn length(&self) -> Option<u64> {
        self.length
    }

    /// Says which trailers follow the body.
    pub fn with_trailers(mut self, trailers: Trailers) -> Self {
        self.trailers = trailers;
        self
    }

    /// The trailers; to be kept before the stream is consumed.
    pub fn trailers(&self) -> Trailers {
        self.trailers.clone()
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
