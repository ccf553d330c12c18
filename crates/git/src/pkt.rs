//! Git's packet lines: four hexadecimal digits of length, then the content; `0000` ends a section.

use bytes::{Buf as _, Bytes, BytesMut};
use futures_util::StreamExt as _;

use crate::{BodyStream, Error};

/// The longest line, with its length.
const MAX_LINE_BYTES: usize = 65520;
/// The longest payload of a side-band line.
const MAX_BAND_BYTES: usize = MAX_LINE_BYTES - 5;

/// Appends a line.
pub(crate) fn line(out: &mut Vec<u8>, content: &[u8]) {
    out.extend_from_slice(format!("{:04x}", content.len() + 4).as_bytes());
    out.extend_from_slice(content);
}

/// Appends the end of a section.
pub(crate) fn flush(out: &mut Vec<u8>) {
    out.extend_from_slice(b"0000");
}

/// Appends `content` on a side band (1 data, 2 messages).
pub(crate) fn band(out: &mut Vec<u8>, band: u8, content: &[u8]) {
    for chunk in content.chunks(MAX_BAND_BYTES) {
        out.extend_from_slice(format!("{:04x}", chunk.len() + 5).as_bytes());
        out.push(band);
        out.extend_from_slice(chunk);
    }
}

/// Reads packet lines off the front of a body and then gives back the rest.
pub(crate) struct Reader {
    body: BodyStream,
    buffered: BytesMut,
}

impl Reader {
    pub(crate) fn new(body: BodyStream) -> Self {
        Reader { body, buffered: BytesMut::new() }
    }

    /// Whether at least `wanted` bytes are there, now that they were waited for.
    async fn fill(&mut self, wanted: usize) -> Result<bool, Error> {
        while self.buffered.len() < wanted {
            match self.body.next().await {
                None => return Ok(false),
                Some(Ok(chunk)) => self.buffered.extend_from_slice(&chunk),
                Some(Err(e)) => return Err(Error::io("receiving", "the request")(e)),
            }
        }
        Ok(true)
    }

    /// The next line; `None` for the end of a section or of the body.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        if !self.fill(4).await? {
            return if self.buffered.is_empty() { Ok(None) } else { Err(Error::Protocol("a cut packet line")) };
        }
        let head = self.buffered.split_to(4);
        let length = std::str::from_utf8(&head)
            .ok()
            .filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|text| usize::from_str_radix(text, 16).ok())
            .ok_or(Error::Protocol("a packet line without a length"))?;
        match length {
            0 => Ok(None),
            4..=MAX_LINE_BYTES => {
                let content = length - 4;
                if !self.fill(content).await? {
                    return Err(Error::Protocol("a cut packet line"));
                }
                Ok(Some(self.buffered.split_to(content).freeze()))
            }
            _ => Err(Error::Protocol("a packet line of a forbidden length")),
        }
    }

    /// The next piece of what follows the lines; `None` at the end.
    pub(crate) async fn rest(&mut self) -> Result<Option<Bytes>, Error> {
        if self.buffered.has_remaining() {
            return Ok(Some(self.buffered.split().freeze()));
        }
        match self.body.next().await {
            None => Ok(None),
            Some(Ok(chunk)) => Ok(Some(chunk)),
            Some(Err(e)) => Err(Error::io("receiving", "the request")(e)),
        }
    }

    /// Reads and forgets what is left of the body, `limit` bytes of it at most.
    pub(crate) async fn drain(&mut self, limit: u64) -> Result<(), Error> {
        let mut seen = 0_u64;
        while seen < limit
            && let Some(piece) = self.rest().await?
        {
            seen += piece.len() as u64;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(chunks: &[&'static [u8]]) -> Reader {
        let chunks: Vec<_> = chunks.iter().map(|c| Ok(Bytes::from_static(c))).collect();
        Reader::new(Box::pin(futures_util::stream::iter(chunks)))
    }

    #[tokio::test]
    async fn lines_may_be_cut_anywhere() {
        let mut r = reader(&[b"00", b"09he", b"llo0000PA", b"CK"]);
        assert_eq!(r.next().await.unwrap().as_deref(), Some(b"hello".as_slice()));
        assert_eq!(r.next().await.unwrap(), None);
        assert_eq!(r.rest().await.unwrap().as_deref(), Some(b"PA".as_slice()));
        assert_eq!(r.rest().await.unwrap().as_deref(), Some(b"CK".as_slice()));
        assert_eq!(r.rest().await.unwrap(), None);
    }

    #[tokio::test]
    async fn malformed_lines_are_refused() {
        for bad in [b"zzzz".as_slice(), b"+005a", b"0009he", b"0001", b"0003", b"00", b"ffffx"] {
            assert!(matches!(reader(&[bad]).next().await, Err(Error::Protocol(_))), "{bad:?}");
        }
    }
}
