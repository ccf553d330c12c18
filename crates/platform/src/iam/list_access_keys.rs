//! ListAccessKeys: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListAccessKeys.html>. Without secrets.

use base::ApiError;
use serde::{Deserialize, Serialize};
use store::tables::iam_access_key;

use super::lookup;
use super::page::Page;
use super::shapes::Date;
use crate::Cx;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub user_name: Option<String>,
    pub marker: Option<String>,
    pub max_items: Option<i64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub access_key_metadata: Vec<AccessKeyMetadata>,
    pub is_truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub marker: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AccessKeyMetadata {
    pub user_name: String,
    pub access_key_id: String,
    pub status: String,
    pub create_date: Date,
}

pub async fn list_access_keys(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let mut tx = cx.store.read().await?;
    let owner = lookup::key_owner(&mut tx, cx, input.user_name.as_deref()).await?;
    let page = Page::new(format!("ListAccessKeys {}", owner.id), input.marker.as_deref(), input.max_items)?;
    let mut rows = iam_access_key::list(&mut tx, lookup::account(cx), &owner.id).await?;
    rows.sort_by(|a, b| a.id.cmp(&b.id));
    let (rows, marker) = page.cut_all(rows, |r| &r.id);
    let metadata = |r: iam_access_key::Row| AccessKeyMetadata {
        user_name: owner.name.clone(),
        access_key_id: r.id,
        status: r.status,
        create_date: r.created.into(),
    };
    let access_key_metadata = rows.into_iter().map(metadata).collect();
    Ok(Output { access_key_metadata, is_truncated: marker.is_some(), marker })
}
