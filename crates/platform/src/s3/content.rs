//! From a row to its content, wherever that is.

use std::io;

use base::ApiError;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use store::Tx;
use store::objects::{BlobFile, BlobId, ObjectError, Objects};
use store::tables::{s3_part, s3_version};

use super::range::Span;
use crate::ByteStream;

/// One contiguous piece of an object's content.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Segment {
    pub(super) number: i64,
    pub(super) size: u64,
    pub(super) place: Place,
}

/// Where a segment is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Place {
    Inline(Bytes),
    Blob(BlobId),
}

impl Place {
    fn of(blob: Option<&str>, content: Option<&[u8]>) -> Result<Self, ApiError> {
        match blob {
            Some(text) => BlobId::parse(text)
                .map(Place::Blob)
                .ok_or_else(|| ApiError::internal(format!("a row names the blob '{text}', which cannot be"))),
            None => Ok(Place::Inline(Bytes::copy_from_slice(content.unwrap_or_default()))),
        }
    }
}

/// Unsigned from a column that is never negative.
pub(super) fn size(column: i64) -> u64 {
    u64::try_from(column).unwrap_or_default()
}

/// The segments of a version, in order: one, unless it was uploaded in parts.
pub(super) async fn segments(tx: &mut Tx, row: &s3_version::Row) -> Result<Vec<Segment>, ApiError> {
    let Some(upload) = &row.parts else {
        let place = Place::of(row.blob.as_deref(), row.content.as_deref())?;
        return Ok(vec![Segment { number: 1, size: size(row.size), place }]);
    };
    let parts = s3_part::all(tx, upload).await?;
    parts
        .iter()
        .map(|p| {
            let place = Place::of(p.blob.as_deref(), p.content.as_deref())?;
            Ok(Segment { number: p.number, size: size(p.size), place })
        })
        .collect()
}

/// The blobs that become garbage when a version goes.
pub(super) fn blobs_of_row(row: &s3_version::Row) -> Vec<BlobId> {
    row.blob.as_deref().and_then(BlobId::parse).into_iter().collect()
}

/// The blobs that become garbage when parts go.
pub(super) fn blobs_of_parts(parts: &[s3_part::Row]) -> Vec<BlobId> {
    parts.iter().filter_map(|p| p.blob.as_deref().and_then(BlobId::parse)).collect()
}

enum Source {
    Inline(Bytes),
    File { file: BlobFile, offset: u64, len: u64 },
}

/// Opens the content that `span` covers. All files are open when this returns, so that the object can be read to its
/// end though it is deleted meanwhile.
pub(super) async fn open(objects: &Objects, segments: &[Segment], span: Span) -> Result<ByteStream, ObjectError> {
    let mut sources = Vec::new();
    let (mut start, end) = (0_u64, span.offset + span.len);
    for segment in segments {
        let from = span.offset.max(start);
        let to = end.min(start + segment.size);
        if from < to {
            let (offset, len) = (from - start, to - from);
            sources.push(match &segment.place {
                Place::Inline(bytes) => {
                    let (a, b) = (index(offset), index(offset + len));
                    Source::Inline(bytes.get(a..b).map(|s| bytes.slice_ref(s)).unwrap_or_default())
                }
                Place::Blob(blob) => Source::File { file: objects.open_blob(blob).await?, offset, len },
            });
        }
        start += segment.size;
    }
    let len = Some(span.len);
    // The common case is spared the machinery of joining.
    match sources.pop() {
        None => Ok(ByteStream::new(stream::empty(), len)),
        Some(Source::Inline(bytes)) if sources.is_empty() => Ok(ByteStream::from(bytes)),
        Some(Source::File { file, offset, len: n }) if sources.is_empty() => {
            Ok(ByteStream::new(file.stream(offset, n), len))
        }
        Some(last) => {
            sources.push(last);
            let joined = stream::iter(sources).map(|s| Ok::<_, io::Error>(pieces(s))).try_flatten();
            Ok(ByteStream::new(joined, len))
        }
    }
}

fn pieces(source: Source) -> std::pin::Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>> {
    match source {
        Source::Inline(bytes) => Box::pin(stream::iter([Ok(bytes)])),
        Source::File { file, offset, len } => Box::pin(file.stream(offset, len)),
    }
}

fn index(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}
