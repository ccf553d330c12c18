//! CreateLogGroup: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html>.

use base::{ApiError, Tags};
use serde::Deserialize;
use store::tables::logs_group;

use super::errors;
use super::find::Nothing;
use crate::Cx;
use crate::transact::transact;

/// Members that are refused by name: events are not encrypted with a key of the user's, and a group is not protected
/// against deletion, so saying yes would be a false promise.
pub const UNSUPPORTED: &[&str] = &["kmsKeyId", "deletionProtectionEnabled"];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub log_group_name: String,
    pub kms_key_id: Option<String>,
    #[serde(default)]
    pub tags: Tags,
    pub log_group_class: Option<String>,
    #[serde(default)]
    pub deletion_protection_enabled: bool,
}

pub async fn create_log_group(cx: &Cx, input: Input) -> Result<Nothing, ApiError> {
    if input.kms_key_id.is_some() {
        return Err(errors::invalid("Headworks does not support the parameter kmsKeyId of CreateLogGroup."));
    }
    if input.deletion_protection_enabled {
        let text = "Headworks does not support the parameter deletionProtectionEnabled of CreateLogGroup.";
        return Err(errors::invalid(text));
    }
    if input.tags.len() > 50 {
        return Err(errors::too_many_tags());
    }
    transact(cx, input, |tx, cx, input| {
        Box::pin(async move {
            let new = logs_group::NewRow {
                name: input.log_group_name.clone(),
                class: input.log_group_class.clone().unwrap_or_else(|| "STANDARD".to_owned()),
                kms_key: None,
                tags: input.tags.clone(),
                created: cx.now(),
            };
            match logs_group::insert(tx, cx.scope(), &new).await? {
                Some(_) => Ok(Nothing {}),
                None => Err(errors::group_exists()),
            }
        })
    })
    .await
}
