//! From stored content to a visible object: the transaction and what follows it.

use base::ApiError;
use store::objects::{Content, Stored};

use super::body;
use super::bucket::{self, For};
use super::condition::WriteConditions;
use super::version::{self, Minted, NewVersion, Placed};
use crate::Cx;

/// The content that goes into the row.
pub(super) fn inline(stored: &Stored) -> Option<Vec<u8>> {
    match &stored.content {
        Content::Inline(bytes) => Some(bytes.to_vec()),
        Content::Blob(_) => None,
    }
}

/// Commits a new version, then deletes what it replaced; when it is refused, the new content is deleted instead.
pub(super) async fn place_new(
    cx: &Cx,
    bucket: &str,
    owner: Option<String>,
    new: NewVersion,
    conditions: WriteConditions,
    minted: Minted,
    reason: &'static str,
) -> Result<Placed, ApiError> {
    let fresh = new.blob.clone();
    let (inner, name) = (cx.clone(), bucket.to_owned());
    let placed = cx
        .store
        .write(move |tx| {
            let (cx, name, owner) = (inner.clone(), name.clone(), owner.clone());
            let (new, conditions, minted) = (new.clone(), conditions.clone(), minted.clone());
            Box::pin(async move {
                let row = bucket::load(tx, &cx, &name, owner.as_deref(), For::Writing).await?;
                version::place(tx, &cx, &row, new, &conditions, &minted, reason).await
            })
        })
        .await;
    match placed {
        Ok(placed) => {
            body::discard(&cx.objects, placed.garbage.clone());
            Ok(placed)
        }
        Err(e) => {
            body::discard_refused(&cx.objects, &e, fresh.into_iter().collect());
            Err(e)
        }
    }
}
