//! DeleteObject: an object, one of its versions, or (with versioning) a delete marker on top. Deleting what is not
//! there succeeds.

use base::ApiError;
use serde::{Deserialize, Serialize};

use super::bucket::{self, For};
use super::shape::Refused;
use super::version::{self, Minted, Removed};
use super::{body, errors};
use crate::Cx;

/// Members that are refused by name; the bypass of a retention that cannot exist is harmless.
pub const UNSUPPORTED: &[&str] = &["MFA", "IfMatchLastModifiedTime", "IfMatchSize"];

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub bucket: String,
    pub key: String,
    pub version_id: Option<String>,
    pub if_match: Option<String>,
    pub if_match_last_modified_time: Option<serde_json::Value>,
    pub if_match_size: Option<serde_json::Value>,
    pub expected_bucket_owner: Option<String>,
    #[serde(flatten)]
    pub refused: Refused,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delete_marker: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
}

pub async fn delete_object(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    bucket::check_key(&input.key)?;
    input.refused.check()?;
    if input.if_match_last_modified_time.is_some() || input.if_match_size.is_some() {
        return Err(errors::not_implemented("Deleting on condition of time or size"));
    }
    if let Some(id) = &input.version_id {
        version::check_id(id)?;
    }
    let (inner, minted) = (cx.clone(), Minted::new(cx));
    let removed: Removed = cx
        .store
        .write(move |tx| {
            let (cx, input, minted) = (inner.clone(), input.clone(), minted.clone());
            Box::pin(async move {
                let owner = input.expected_bucket_owner.as_deref();
                let row = bucket::load(tx, &cx, &input.bucket, owner, For::Writing).await?;
                let (version, if_match) = (input.version_id.as_deref(), input.if_match.as_deref());
                version::remove(tx, &cx, &row, &input.key, version, if_match, &minted).await
            })
        })
        .await?;
    body::discard(&cx.objects, removed.garbage);
    Ok(Output { delete_marker: removed.marker.then_some(true), version_id: removed.version_id })
}
