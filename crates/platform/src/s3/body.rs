//! Taking in content: from the stream to the disk, measured and compared on the way.

use std::io;

use base::{ApiError, ErrorKind};
use futures_util::StreamExt;
use store::objects::{BlobId, Objects, Stored};

use super::checksum::Promise;
use super::errors;
use crate::ByteStream;

/// Content of at most this many bytes is kept in its row, so that a small upload costs no file and no flush of its own.
pub(super) const INLINE_MAX_BYTES: usize = 16 * 1024;

/// The largest object that one request may bring, and the largest part.
pub(super) const UPLOAD_MAX_BYTES: u64 = 5 * 1024 * 1024 * 1024;

/// Stores a body. The content is garbage until a row names it; give it to `discard` if none ever will.
pub(super) async fn receive(
    objects: &Objects,
    mut body: ByteStream,
    promise: &mut Promise,
) -> Result<Stored, ApiError> {
    let trailers = body.trailers();
    promise.expect_trailers(trailers.names());
    let expected = body.length();
    if let Some(size) = expected.filter(|s| *s > UPLOAD_MAX_BYTES) {
        return Err(errors::too_large(UPLOAD_MAX_BYTES, size));
    }
    let mut writer = objects.writer().inline_up_to(INLINE_MAX_BYTES).checksums(promise.algorithm.as_slice());
    let mut size = 0_u64;
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(broken)?;
        size += piece.len() as u64;
        if size > UPLOAD_MAX_BYTES {
            return Err(errors::too_large(UPLOAD_MAX_BYTES, size));
        }
        writer.write(&piece).await?;
    }
    if expected.is_some_and(|e| e != size) {
        return Err(errors::incomplete_body());
    }
    promise.take_trailers(trailers.received())?;
    let stored = writer.finish().await?;
    if let Err(e) = promise.check(&stored.checksums) {
        discard(objects, stored.blob().cloned().into_iter().collect());
        return Err(e);
    }
    Ok(stored)
}

/// An error of the stream: the reader below may have said precisely what is wrong (a chunk's signature, say).
fn broken(e: io::Error) -> ApiError {
    if let Some(api) = e.get_ref().and_then(|inner| inner.downcast_ref::<ApiError>()) {
        return api.clone();
    }
    tracing::debug!(error = %e, "an upload ended early");
    errors::incomplete_body()
}

/// Deletes new content whose row was refused. When the store failed instead, nobody can tell whether the row was
/// committed (a connection that breaks during a commit, say): then the content stays, and the sweep decides.
pub(super) fn discard_refused(objects: &Objects, why: &ApiError, blobs: Vec<BlobId>) {
    match why.kind {
        ErrorKind::Client => discard(objects, blobs),
        ErrorKind::Server => {}
    }
}

/// Deletes content that no row names any more, without keeping the caller waiting.
pub(super) fn discard(objects: &Objects, blobs: Vec<BlobId>) {
    if blobs.is_empty() {
        return;
    }
    let objects = objects.clone();
    tokio::spawn(async move {
        if let Err(e) = objects.delete(blobs).await {
            // The sweep at the next start will try again.
            tracing::warn!(error = %e, "content that is no longer needed could not be deleted");
        }
    });
}
