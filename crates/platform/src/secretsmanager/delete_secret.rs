//! DeleteSecret: <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DeleteSecret.html>. The secret waits
//! for its end, 30 days unless 7 to 30 are asked for, and can be restored until then; with force it is gone at once.

use std::time::Duration;

use base::{ApiError, Timestamp};
use serde::{Deserialize, Serialize};
use store::Tx;
use store::tables::secretsmanager_secret;

use super::create_secret::suffix;
use super::{errors, find};
use crate::Cx;
use crate::transact::transact;

const DAY_SECONDS: u64 = 86_400;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub secret_id: String,
    pub recovery_window_in_days: Option<i64>,
    #[serde(default)]
    pub force_delete_without_recovery: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    #[serde(rename = "ARN")]
    pub arn: String,
    pub name: String,
    pub deletion_date: Timestamp,
}

pub async fn delete_secret(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    if input.force_delete_without_recovery && input.recovery_window_in_days.is_some() {
        let text = "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.";
        return Err(errors::parameter(text));
    }
    if input.recovery_window_in_days.is_some_and(|days| !(7..=30).contains(&days)) {
        let text = "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).";
        return Err(errors::parameter(text));
    }
    transact(cx, input, |tx, cx, input| Box::pin(delete(tx, cx, input))).await
}

async fn delete(tx: &mut Tx, cx: &Cx, input: &Input) -> Result<Output, ApiError> {
    let now = cx.now();
    let found = find::any(tx, cx, &input.secret_id).await;
    if input.force_delete_without_recovery {
        let (arn, name) = match found {
            Ok(row) => {
                secretsmanager_secret::delete(tx, &row.arn).await?;
                (row.arn, row.name)
            }
            // AWS's page: a forced deletion of what does not exist is no error.
            Err(e) if e.code == "ResourceNotFoundException" && !input.secret_id.starts_with("arn:") => {
                let name = input.secret_id.clone();
                (cx.arn("secretsmanager", format!("secret:{name}-{}", suffix(cx))).to_string(), name)
            }
            Err(e) => return Err(e),
        };
        return Ok(Output { arn, name, deletion_date: now });
    }
    let mut row = found?;
    if row.deleted.is_some() {
        return Err(errors::request("You tried to perform the operation on a secret that's currently marked deleted."));
    }
    let days = u64::try_from(input.recovery_window_in_days.unwrap_or(30)).unwrap_or(30);
    let ends = now + Duration::from_secs(days * DAY_SECONDS);
    row.deleted = Some(now);
    row.ends = Some(ends);
    secretsmanager_secret::update(tx, &row).await?;
    Ok(Output { arn: row.arn, name: row.name, deletion_date: ends })
}
