//! PutBucketVersioning: `Enabled` or `Suspended`; it never goes back to "never set".

use base::ApiError;
use serde::Deserialize;
use store::tables::s3_bucket;

use super::bucket::{self, For};
use super::errors;
pub use super::shape::Empty as Output;
use crate::Cx;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub bucket: String,
    pub versioning_configuration: Configuration,
    pub expected_bucket_owner: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Configuration {
    #[serde(rename = "MFADelete")]
    pub mfa_delete: Option<String>,
    pub status: Option<String>,
}

pub async fn put_bucket_versioning(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    if input.versioning_configuration.mfa_delete.as_deref() == Some("Enabled") {
        return Err(errors::not_implemented("MFA delete"));
    }
    let status = match input.versioning_configuration.status.as_deref() {
        Some("Enabled") => "Enabled",
        Some("Suspended") => "Suspended",
        Some(_) => return Err(errors::malformed_xml()),
        None => {
            let message = "The Versioning element must be specified";
            return Err(errors::simple("IllegalVersioningConfigurationException", 400, message));
        }
    };
    let inner = cx.clone();
    cx.store
        .write(move |tx| {
            let (cx, input) = (inner.clone(), input.clone());
            Box::pin(async move {
                let owner = input.expected_bucket_owner.as_deref();
                let row = bucket::load(tx, &cx, &input.bucket, owner, For::Changing).await?;
                s3_bucket::set_versioning(tx, &row.name, status).await?;
                Ok::<_, ApiError>(())
            })
        })
        .await?;
    Ok(Output {})
}
