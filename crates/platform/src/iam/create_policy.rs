//! CreatePolicy: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html>. Its document becomes
//! version `v1`.

use base::ApiError;
use serde::{Deserialize, Serialize};
use store::tables::iam_policy;

use super::shapes::{Policy, Tag};
use super::{documents, errors, lookup, names, shapes};
use crate::Cx;
use crate::transact::transact;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub policy_name: String,
    pub path: Option<String>,
    pub policy_document: String,
    pub description: Option<String>,
    #[serde(default)]
    pub tags: Vec<Tag>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub policy: Policy,
}

pub async fn create_policy(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    documents::managed(&input.policy_document)?;
    transact(cx, input, |tx, cx, input| {
        Box::pin(async move {
            let name = &input.policy_name;
            if iam_policy::get(tx, lookup::account(cx), name).await?.is_some() {
                return Err(errors::exists(format!(
                    "A policy called {name} already exists. Duplicate names are not allowed."
                )));
            }
            let row = iam_policy::Row {
                account: lookup::account(cx).to_owned(),
                name: name.clone(),
                id: names::unique_id(cx.ids.as_ref(), "ANPA"),
                path: input.path.clone().unwrap_or_else(|| "/".to_owned()),
                description: input.description.clone(),
                default_version: 1,
                last_version: 1,
                tags: shapes::retag(&base::Tags::new(), &input.tags)?,
                created: cx.now(),
                updated: cx.now(),
            };
            let document = input.policy_document.clone();
            let version = iam_policy::Version { version: 1, document, created: cx.now() };
            iam_policy::insert(tx, &row).await?;
            iam_policy::insert_version(tx, &row.id, &version).await?;
            Ok(Output { policy: Policy::new(cx.scope(), &row, 0, true) })
        })
    })
    .await
}
