//! DeleteObjects: up to 1000 keys in one transaction; each key succeeds or fails by itself.

use base::ApiError;
use serde::{Deserialize, Serialize};
use store::Tx;
use store::objects::BlobId;
use store::tables::s3_bucket;

use super::bucket::{self, For};
use super::shape::{Refused, null_is_default};
use super::version::{self, Minted, Removed};
use super::{body, errors};
use crate::Cx;

/// Members that are refused by name.
pub const UNSUPPORTED: &[&str] = &["MFA", "LastModifiedTime", "Size"];

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub bucket: String,
    pub delete: Delete,
    pub expected_bucket_owner: Option<String>,
    #[serde(flatten)]
    pub refused: Refused,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Delete {
    #[serde(deserialize_with = "null_is_default")]
    pub objects: Vec<ObjectIdentifier>,
    pub quiet: Option<bool>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ObjectIdentifier {
    pub key: String,
    pub version_id: Option<String>,
    pub e_tag: Option<String>,
    pub last_modified_time: Option<serde_json::Value>,
    pub size: Option<serde_json::Value>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deleted: Vec<Deleted>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Failed>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Deleted {
    pub key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delete_marker: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delete_marker_version_id: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Failed {
    pub key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
    pub code: String,
    pub message: String,
}

pub async fn delete_objects(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    input.refused.check()?;
    if input.delete.objects.is_empty() || input.delete.objects.len() > 1000 {
        return Err(errors::malformed_xml());
    }
    let minted: Vec<Minted> = input.delete.objects.iter().map(|_| Minted::new(cx)).collect();
    let inner = cx.clone();
    let (output, garbage) = cx
        .store
        .write(move |tx| {
            let (cx, input, minted) = (inner.clone(), input.clone(), minted.clone());
            Box::pin(async move { all(tx, &cx, &input, &minted).await })
        })
        .await?;
    body::discard(&cx.objects, garbage);
    Ok(output)
}

async fn all(tx: &mut Tx, cx: &Cx, input: &Input, minted: &[Minted]) -> Result<(Output, Vec<BlobId>), ApiError> {
    let owner = input.expected_bucket_owner.as_deref();
    let bucket = bucket::load(tx, cx, &input.bucket, owner, For::Writing).await?;
    let (mut output, mut garbage) = (Output::default(), Vec::new());
    // In key order, so that two requests that lock the same keys cannot wait for each other.
    let mut order: Vec<(&ObjectIdentifier, &Minted)> = input.delete.objects.iter().zip(minted).collect();
    order.sort_by(|a, b| a.0.key.cmp(&b.0.key));
    for (object, minted) in order {
        match one(tx, cx, &bucket, object, minted).await {
            Ok(removed) => {
                garbage.extend(removed.garbage.clone());
                if input.delete.quiet != Some(true) {
                    output.deleted.push(deleted(object, removed));
                }
            }
            // What is wrong with one key is told beside it; what is wrong with us fails the request.
            Err(e) if e.kind == base::ErrorKind::Client => output.errors.push(Failed {
                key: object.key.clone(),
                version_id: object.version_id.clone(),
                code: e.code.to_owned(),
                message: e.message,
            }),
            Err(e) => return Err(e),
        }
    }
    Ok((output, garbage))
}

async fn one(
    tx: &mut Tx,
    cx: &Cx,
    bucket: &s3_bucket::Row,
    object: &ObjectIdentifier,
    minted: &Minted,
) -> Result<Removed, ApiError> {
    if object.last_modified_time.is_some() || object.size.is_some() {
        return Err(errors::not_implemented("Deleting on condition of time or size"));
    }
    bucket::check_key(&object.key)?;
    let version = object.version_id.as_deref().filter(|v| !v.is_empty());
    if let Some(version) = version {
        // AWS tells an id that cannot be from one that is gone.
        version::check_id(version).map_err(|_| errors::no_such_version(&object.key, version))?;
    }
    version::remove(tx, cx, bucket, &object.key, version, object.e_tag.as_deref(), minted).await
}

fn deleted(object: &ObjectIdentifier, removed: Removed) -> Deleted {
    let version_id = object.version_id.clone().filter(|v| !v.is_empty());
    Deleted {
        key: object.key.clone(),
        delete_marker: removed.marker.then_some(true),
        delete_marker_version_id: removed.version_id.filter(|_| removed.marker),
        version_id,
    }
}
