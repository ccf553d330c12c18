//! ListBuckets: the account's buckets in all regions, by name; by pages when `MaxBuckets` is given.

use base::{ApiError, PageToken, Timestamp};
use serde::{Deserialize, Serialize};
use store::tables::s3_bucket;

use super::errors;
use super::shape::{Owner, owner};
use super::version::bucket_arn;
use crate::Cx;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub max_buckets: Option<i64>,
    pub continuation_token: Option<String>,
    pub prefix: Option<String>,
    pub bucket_region: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub buckets: Vec<Bucket>,
    pub owner: Owner,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub continuation_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Bucket {
    pub name: String,
    pub creation_date: Timestamp,
    pub bucket_region: String,
    pub bucket_arn: String,
}

pub async fn list_buckets(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let max = usize::try_from(input.max_buckets.unwrap_or(10_000)).unwrap_or(10_000);
    let after = match input.continuation_token.as_deref().filter(|t| !t.is_empty()) {
        Some(token) => PageToken::position("ListBuckets", token).map_err(|_| {
            errors::invalid_argument("continuation-token", token, "The continuation token provided is incorrect")
        })?,
        None => String::new(),
    };
    let account = cx.scope().account.as_str();
    let mut tx = cx.store.read().await?;
    let mut rows = s3_bucket::list(&mut tx, account, &after, i64::from(u32::MAX)).await?;
    rows.retain(|r| {
        input.prefix.as_ref().is_none_or(|p| r.name.starts_with(p.as_str()))
            && input.bucket_region.as_ref().is_none_or(|want| r.scope.region.as_str() == want)
    });
    let more = rows.len() > max;
    rows.truncate(max);
    let last = rows.last().map(|r| PageToken::after("ListBuckets", &r.name).into_string());
    let buckets = rows.into_iter().map(|r| Bucket {
        bucket_arn: bucket_arn(&r),
        creation_date: r.created,
        bucket_region: r.scope.region.to_string(),
        name: r.name,
    });
    Ok(Output {
        buckets: buckets.collect(),
        owner: owner(account),
        continuation_token: last.filter(|_| more),
        prefix: input.prefix,
    })
}
