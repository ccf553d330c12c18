//! CreateServiceSpecificCredential:
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateServiceSpecificCredential.html>. A user name and a
//! password for git over HTTPS; the password is shown here and kept as a hash.

use std::time::Duration;

use base::ApiError;
use serde::{Deserialize, Serialize};
use store::tables::iam_service_credential;

use super::service_credential::{SERVICES, ServiceSpecificCredential};
use super::{errors, lookup, names};
use crate::Cx;
use crate::transact::transact;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub user_name: String,
    pub service_name: String,
    pub credential_age_days: Option<u64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub service_specific_credential: ServiceSpecificCredential,
}

pub async fn create_service_specific_credential(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    if !SERVICES.contains(&input.service_name.as_str()) {
        return Err(errors::service_not_supported(&input.service_name));
    }
    transact(cx, input, |tx, cx, input| {
        Box::pin(async move {
            let user = lookup::user(tx, cx, &input.user_name).await?;
            let account = lookup::account(cx);
            let all = iam_service_credential::list(tx, account, Some(&user.id)).await?;
            let of_service: Vec<_> = all.iter().filter(|c| c.service == input.service_name).collect();
            if of_service.len() >= 2 {
                return Err(errors::limit("Cannot exceed quota for ServiceSpecificCredentialsPerUser: 2"));
            }
            // AWS numbers the second one: NAME+1-at-ACCOUNT.
            let plain = format!("{}-at-{account}", user.name);
            let taken = of_service.iter().any(|c| c.service_user == plain);
            let service_user = if taken { format!("{}+1-at-{account}", user.name) } else { plain };
            let password = names::service_password(cx.ids.as_ref());
            let day = Duration::from_secs(86_400);
            let days = input.credential_age_days.map(|d| u32::try_from(d).unwrap_or(u32::MAX));
            let row = iam_service_credential::Row {
                id: names::unique_id(cx.ids.as_ref(), "ACCA"),
                account: account.to_owned(),
                owner: user.id,
                service: input.service_name.clone(),
                service_user,
                password_hash: names::sha256_hex(password.expose()),
                status: "Active".to_owned(),
                created: cx.now(),
                expires: days.map(|d| cx.now() + day.saturating_mul(d)),
            };
            iam_service_credential::insert(tx, &row).await?;
            let credential = ServiceSpecificCredential::new(row, &user.name, Some(password));
            Ok(Output { service_specific_credential: credential })
        })
    })
    .await
}
