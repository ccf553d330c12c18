//! DeleteServiceSpecificCredential:
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteServiceSpecificCredential.html>.

use base::ApiError;
use serde::Deserialize;
use store::tables::iam_service_credential;

use super::service_credential;
use super::shapes::Nothing;
use crate::Cx;
use crate::transact::transact;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub user_name: Option<String>,
    pub service_specific_credential_id: String,
}

pub async fn delete_service_specific_credential(cx: &Cx, input: Input) -> Result<Nothing, ApiError> {
    transact(cx, input, |tx, cx, input| {
        Box::pin(async move {
            let id = &input.service_specific_credential_id;
            let (row, _) = service_credential::find(tx, cx, input.user_name.as_deref(), id).await?;
            iam_service_credential::delete(tx, &row.id).await?;
            Ok(Nothing {})
        })
    })
    .await
}
