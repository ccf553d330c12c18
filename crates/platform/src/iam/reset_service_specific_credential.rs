//! ResetServiceSpecificCredential:
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ResetServiceSpecificCredential.html>. A new password;
//! the old one is refused from now on.

use base::ApiError;
use serde::{Deserialize, Serialize};
use store::tables::iam_service_credential;

use super::names;
use super::service_credential::{self, ServiceSpecificCredential};
use crate::Cx;
use crate::transact::transact;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub user_name: Option<String>,
    pub service_specific_credential_id: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub service_specific_credential: ServiceSpecificCredential,
}

pub async fn reset_service_specific_credential(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    transact(cx, input, |tx, cx, input| {
        Box::pin(async move {
            let id = &input.service_specific_credential_id;
            let (mut row, user) = service_credential::find(tx, cx, input.user_name.as_deref(), id).await?;
            let password = names::service_password(cx.ids.as_ref());
            row.password_hash = names::sha256_hex(password.expose());
            iam_service_credential::update(tx, &row).await?;
            let credential = ServiceSpecificCredential::new(row, &user, Some(password));
            Ok(Output { service_specific_credential: credential })
        })
    })
    .await
}
