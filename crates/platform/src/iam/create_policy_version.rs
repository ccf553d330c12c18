//! CreatePolicyVersion: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicyVersion.html>. At most
//! five versions; numbers are never used twice.

use base::ApiError;
use serde::{Deserialize, Serialize};
use store::tables::iam_policy;

use super::shapes::PolicyVersion;
use super::{documents, errors, lookup};
use crate::Cx;
use crate::transact::transact;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub policy_arn: String,
    pub policy_document: String,
    #[serde(default)]
    pub set_as_default: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub policy_version: PolicyVersion,
}

pub async fn create_policy_version(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    documents::managed(&input.policy_document)?;
    transact(cx, input, |tx, cx, input| {
        Box::pin(async move {
            let mut row = lookup::own_policy(tx, cx, &input.policy_arn).await?;
            if iam_policy::list_versions(tx, &row.id).await?.len() >= 5 {
                return Err(errors::limit(
                    "A managed policy can have up to 5 versions. Before you create a new version, you must delete an \
                     existing version.",
                ));
            }
            row.last_version += 1;
            row.updated = cx.now();
            if input.set_as_default {
                row.default_version = row.last_version;
            }
            let document = input.policy_document.clone();
            let version = iam_policy::Version { version: row.last_version, document, created: cx.now() };
            iam_policy::insert_version(tx, &row.id, &version).await?;
            iam_policy::update(tx, &row).await?;
            let policy_version = PolicyVersion {
                document: None,
                version_id: format!("v{}", row.last_version),
                is_default_version: input.set_as_default,
                create_date: cx.now().into(),
            };
            Ok(Output { policy_version })
        })
    })
    .await
}
