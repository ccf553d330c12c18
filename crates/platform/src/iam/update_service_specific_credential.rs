//! UpdateServiceSpecificCredential:
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateServiceSpecificCredential.html>.

use base::ApiError;
use serde::Deserialize;
use store::tables::iam_service_credential;

use super::shapes::Nothing;
use super::{errors, service_credential};
use crate::Cx;
use crate::transact::transact;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub user_name: Option<String>,
    pub service_specific_credential_id: String,
    pub status: String,
}

pub async fn update_service_specific_credential(cx: &Cx, input: Input) -> Result<Nothing, ApiError> {
    if !matches!(input.status.as_str(), "Active" | "Inactive") {
        return Err(errors::invalid_input(format!("A credential cannot be given the status {}.", input.status)));
    }
    transact(cx, input, |tx, cx, input| {
        Box::pin(async move {
            let id = &input.service_specific_credential_id;
            let (mut row, _) = service_credential::find(tx, cx, input.user_name.as_deref(), id).await?;
            row.status = input.status.clone();
            iam_service_credential::update(tx, &row).await?;
            Ok(Nothing {})
        })
    })
    .await
}
