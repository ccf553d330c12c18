//! ListUserTags: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListUserTags.html>.
//! In the order of their keys.

use base::ApiError;
use serde::{Deserialize, Serialize};

use super::lookup;
use super::page::Page;
use super::shapes::{self, Tag};
use crate::Cx;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub user_name: String,
    pub marker: Option<String>,
    pub max_items: Option<i64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub tags: Vec<Tag>,
    pub is_truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub marker: Option<String>,
}

pub async fn list_user_tags(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let mut tx = cx.store.read().await?;
    let row = lookup::user(&mut tx, cx, &input.user_name).await?;
    let page = Page::new(format!("ListUserTags {}", row.id), input.marker.as_deref(), input.max_items)?;
    let (tags, marker) = page.cut_all(shapes::tag_list(&row.tags), |t| &t.key);
    Ok(Output { tags, is_truncated: marker.is_some(), marker })
}
