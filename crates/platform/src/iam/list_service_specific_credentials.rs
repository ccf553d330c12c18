//! ListServiceSpecificCredentials:
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListServiceSpecificCredentials.html>. Without passwords.

use base::ApiError;
use serde::{Deserialize, Serialize};
use store::tables::{iam_service_credential, iam_user};

use super::lookup;
use super::page::Page;
use super::service_credential::ServiceSpecificCredential;
use crate::Cx;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub user_name: Option<String>,
    pub service_name: Option<String>,
    #[serde(default)]
    pub all_users: bool,
    pub marker: Option<String>,
    pub max_items: Option<i64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub service_specific_credentials: Vec<ServiceSpecificCredential>,
    pub is_truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub marker: Option<String>,
}

pub async fn list_service_specific_credentials(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let mut tx = cx.store.read().await?;
    let owner = match input.all_users {
        true => None,
        false => Some(lookup::key_owner(&mut tx, cx, input.user_name.as_deref()).await?.id),
    };
    let list = format!("ListServiceSpecificCredentials {owner:?} {:?}", input.service_name);
    let page = Page::new(list, input.marker.as_deref(), input.max_items)?;
    let mut rows = iam_service_credential::list(&mut tx, lookup::account(cx), owner.as_deref()).await?;
    rows.retain(|r| input.service_name.as_ref().is_none_or(|s| *s == r.service));
    rows.sort_by(|a, b| a.id.cmp(&b.id));
    let (rows, marker) = page.cut_all(rows, |r| &r.id);
    let mut credentials = Vec::new();
    for row in rows {
        let user = iam_user::get_by_id(&mut tx, &row.owner).await?.map(|u| u.name).unwrap_or_default();
        credentials.push(ServiceSpecificCredential::new(row, &user, None));
    }
    Ok(Output { service_specific_credentials: credentials, is_truncated: marker.is_some(), marker })
}
