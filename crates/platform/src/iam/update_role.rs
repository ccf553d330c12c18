//! UpdateRole: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateRole.html>.

use base::ApiError;
use serde::Deserialize;
use store::tables::iam_role;

use super::lookup;
use super::shapes::Nothing;
use crate::Cx;
use crate::transact::transact;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub role_name: String,
    pub description: Option<String>,
    pub max_session_duration: Option<i64>,
}

pub async fn update_role(cx: &Cx, input: Input) -> Result<Nothing, ApiError> {
    transact(cx, input, |tx, cx, input| {
        Box::pin(async move {
            let mut role = lookup::role(tx, cx, &input.role_name).await?;
            if let Some(text) = &input.description {
                role.description = Some(text.clone());
            }
            if let Some(seconds) = input.max_session_duration {
                role.max_session_seconds = seconds;
            }
            iam_role::update(tx, &role).await?;
            Ok(Nothing {})
        })
    })
    .await
}
