//! Request bodies as streams, and their decompression on the fly.

use std::io::{self, Write as _};
use std::pin::Pin;

use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use futures_util::{Stream, StreamExt as _, stream};

/// A body that arrives or leaves piece by piece.
pub type BodyStream = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// The decompressed content of a gzip body. Holds one piece at a time, however far it expands.
pub fn gunzip(body: BodyStream) -> BodyStream {
    // A piece is fed in small cuts, so that a bomb yields at most about 1000 times this at once.
    const CUT_BYTES: usize = 4096;
    struct State {
        body: BodyStream,
        piece: Bytes,
        decoder: Option<MultiGzDecoder<Vec<u8>>>,
    }
    let state = State { body, piece: Bytes::new(), decoder: Some(MultiGzDecoder::new(Vec::new())) };
    Box::pin(stream::try_unfold(state, async move |mut state| {
        loop {
            let Some(decoder) = &mut state.decoder else { return Ok(None) };
            if !state.piece.is_empty() {
                let cut = state.piece.split_to(state.piece.len().min(CUT_BYTES));
                decoder.write_all(&cut)?;
            } else if let Some(next) = state.body.next().await {
                state.piece = next?;
                continue;
            } else {
                decoder.try_finish()?;
                let rest = std::mem::take(decoder.get_mut());
                state.decoder = None;
                return Ok((!rest.is_empty()).then_some((Bytes::from(rest), state)));
            }
            let out = std::mem::take(decoder.get_mut());
            if !out.is_empty() {
                return Ok(Some((Bytes::from(out), state)));
            }
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zipped(content: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    async fn through(pieces: Vec<Bytes>) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        let mut body = gunzip(Box::pin(stream::iter(pieces.into_iter().map(Ok))));
        while let Some(piece) = body.next().await {
            out.extend_from_slice(&piece?);
        }
        Ok(out)
    }

    #[tokio::test]
    async fn a_body_cut_into_single_bytes_is_decompressed() {
        let content: Vec<u8> = (0..100_000_u32).flat_map(u32::to_be_bytes).collect();
        let pieces = zipped(&content).into_iter().map(|b| Bytes::from(vec![b])).collect();
        assert_eq!(through(pieces).await.unwrap(), content);
    }

    #[tokio::test]
    async fn a_cut_or_broken_body_is_an_error() {
        let whole = zipped(b"hello hello hello");
        assert!(through(vec![Bytes::copy_from_slice(&whole[..whole.len() - 9])]).await.is_err());
        assert!(through(vec![Bytes::from_static(b"0032want")]).await.is_err());
    }
}
