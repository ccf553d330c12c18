//! CreateAccessKey: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccessKey.html>. The secret is
//! shown here and never again; a user has at most two keys.

use base::ApiError;
use serde::{Deserialize, Serialize};
use store::tables::iam_access_key;

use super::shapes::Date;
use super::{errors, lookup, names};
use crate::Cx;
use crate::transact::transact;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub user_name: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub access_key: AccessKey,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AccessKey {
    pub user_name: String,
    pub access_key_id: String,
    pub status: &'static str,
    pub secret_access_key: base::Secret<String>,
    pub create_date: Date,
}

pub async fn create_access_key(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    transact(cx, input, |tx, cx, input| {
        Box::pin(async move {
            let owner = lookup::key_owner(tx, cx, input.user_name.as_deref()).await?;
            let account = lookup::account(cx);
            if iam_access_key::list(tx, account, &owner.id).await?.len() >= 2 {
                return Err(errors::limit("Cannot exceed quota for AccessKeysPerUser: 2"));
            }
            let row = iam_access_key::Row {
                id: names::access_key_id(cx.ids.as_ref(), "AKIA"),
                account: account.to_owned(),
                owner: owner.id,
                secret: names::secret_key(cx.ids.as_ref()),
                status: "Active".to_owned(),
                created: cx.now(),
                last_used: None,
            };
            iam_access_key::insert(tx, &row).await?;
            let access_key = AccessKey {
                user_name: owner.name,
                access_key_id: row.id,
                status: "Active",
                secret_access_key: row.secret,
                create_date: row.created.into(),
            };
            Ok(Output { access_key })
        })
    })
    .await
}
