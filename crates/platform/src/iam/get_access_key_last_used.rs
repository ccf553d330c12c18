//! GetAccessKeyLastUsed: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccessKeyLastUsed.html>.
//! Right to five minutes.

use base::ApiError;
use serde::{Deserialize, Serialize};
use store::tables::{iam_access_key, iam_user};

use super::shapes::Date;
use super::{errors, lookup};
use crate::Cx;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub access_key_id: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
    pub access_key_last_used: AccessKeyLastUsed,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AccessKeyLastUsed {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used_date: Option<Date>,
    pub service_name: String,
    pub region: String,
}

pub async fn get_access_key_last_used(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let mut tx = cx.store.read().await?;
    let key = iam_access_key::get(&mut tx, &input.access_key_id).await?.filter(|k| k.account == lookup::account(cx));
    let key = key.ok_or_else(|| errors::no_access_key(&input.access_key_id))?;
    let user = iam_user::get_by_id(&mut tx, &key.owner).await?;
    let access_key_last_used = match key.last_used {
        Some(last) => {
            AccessKeyLastUsed { last_used_date: Some(last.at.into()), service_name: last.service, region: last.region }
        }
        None => AccessKeyLastUsed { last_used_date: None, service_name: "N/A".to_owned(), region: "N/A".to_owned() },
    };
    Ok(Output { user_name: user.map(|u| u.name), access_key_last_used })
}
