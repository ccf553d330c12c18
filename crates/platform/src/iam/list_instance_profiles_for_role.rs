//! ListInstanceProfilesForRole:
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListInstanceProfilesForRole.html>. Always empty: there
//! are no instances, and so no operation that makes a profile.

use base::ApiError;
use serde::{Deserialize, Serialize};

use super::lookup;
use super::shapes::Nothing;
use crate::Cx;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub role_name: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub instance_profiles: Vec<Nothing>,
    pub is_truncated: bool,
}

pub async fn list_instance_profiles_for_role(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let mut tx = cx.store.read().await?;
    lookup::role(&mut tx, cx, &input.role_name).await?;
    Ok(Output { instance_profiles: Vec::new(), is_truncated: false })
}
