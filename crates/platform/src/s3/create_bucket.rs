//! CreateBucket: names are unique in the installation; whoever owns a bucket gets `BucketAlreadyOwnedByYou` for it
//! (in us-east-1 a success, as AWS keeps it for old clients).

use base::{ApiError, Region, Scope, Tags};
use serde::{Deserialize, Serialize};
use store::tables::s3_bucket::{self, Row};

use super::shape::{Refused, Tag, checked_tags, null_is_default};
use super::{bucket, errors};
use crate::Cx;

/// Members that are refused by name.
pub const UNSUPPORTED: &[&str] = &["ObjectLockEnabledForBucket", "BucketNamespace", "Location", "ACL", "Grant*"];

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub bucket: String,
    pub create_bucket_configuration: Option<Configuration>,
    pub object_lock_enabled_for_bucket: Option<bool>,
    pub object_ownership: Option<String>,
    #[serde(flatten)]
    pub refused: Refused,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Configuration {
    pub location_constraint: Option<String>,
    pub location: Option<serde_json::Value>,
    #[serde(deserialize_with = "null_is_default")]
    pub tags: Vec<Tag>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub location: String,
    pub bucket_arn: String,
}

pub async fn create_bucket(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    bucket::check_name(&input.bucket)?;
    input.refused.check()?;
    if input.object_lock_enabled_for_bucket == Some(true) {
        return Err(errors::not_implemented("Object lock (x-amz-bucket-object-lock-enabled)"));
    }
    // With ACLs disabled or preferred off, nothing differs here: there are no ACLs.
    if input.object_ownership.as_deref().is_some_and(|o| o != "BucketOwnerEnforced") {
        return Err(errors::not_implemented("Object ownership other than BucketOwnerEnforced"));
    }
    let configuration = input.create_bucket_configuration.unwrap_or_default();
    if configuration.location.is_some() {
        return Err(errors::not_implemented("Directory buckets (CreateBucketConfiguration.Location)"));
    }
    let region = region(cx.scope().region.as_str(), configuration.location_constraint.as_deref())?;
    let row = Row {
        name: input.bucket,
        scope: Scope { account: cx.scope().account.clone(), region },
        versioning: String::new(),
        tags: if configuration.tags.is_empty() { Tags::new() } else { checked_tags(configuration.tags, 50, "Bucket")? },
        created: super::version::whole_seconds(cx.now()),
    };
    let location = format!("/{}", row.name);
    let bucket_arn = super::version::bucket_arn(&row);
    let lenient = cx.scope().region.as_str() == "us-east-1";
    let account = cx.scope().account.clone();
    cx.store
        .write(move |tx| {
            let (row, account) = (row.clone(), account.clone());
            Box::pin(async move {
                if s3_bucket::insert(tx, &row).await? {
                    return Ok(());
                }
                let taken = s3_bucket::get(tx, &row.name).await?;
                let ours = taken.is_some_and(|t| t.scope.account == account);
                match (ours, lenient) {
                    (true, true) => Ok(()),
                    (true, false) => Err(already("BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded and you already own it.", &row.name)),
                    (false, _) => Err(already("BucketAlreadyExists", "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.", &row.name)),
                }
            })
        })
        .await?;
    Ok(Output { location, bucket_arn })
}

fn already(code: &'static str, message: &str, bucket: &str) -> ApiError {
    errors::simple(code, 409, message).with_member("BucketName", bucket)
}

/// The constraint has to agree with the address that the request went to; us-east-1 lets any region through.
fn region(endpoint: &str, constraint: Option<&str>) -> Result<Region, ApiError> {
    let constraint = constraint.filter(|c| !c.is_empty());
    let wanted = match constraint {
        None => endpoint,
        Some("EU") => "eu-west-1",
        Some(other) => other,
    };
    let illegal = |what: &str| {
        let message = format!(
            "The {what} location constraint is incompatible for the region specific endpoint this request was sent to."
        );
        errors::simple("IllegalLocationConstraintException", 400, &message)
    };
    if endpoint != "us-east-1" && wanted != endpoint {
        return Err(illegal(wanted));
    }
    if endpoint != "us-east-1" && constraint.is_none() {
        return Err(illegal("unspecified"));
    }
    Region::parse(wanted).ok_or_else(|| {
        errors::simple("InvalidLocationConstraint", 400, "The specified location-constraint is not valid")
    })
}
