//! UnlabelParameterVersion:
//! <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_UnlabelParameterVersion.html>. Labels that the
//! version does not have are listed.

use base::ApiError;
use serde::{Deserialize, Serialize};
use store::tables::ssm_version;

use super::{errors, find, name};
use crate::Cx;
use crate::transact::transact;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub name: String,
    pub parameter_version: i64,
    pub labels: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub removed_labels: Vec<String>,
    pub invalid_labels: Vec<String>,
}

pub async fn unlabel_parameter_version(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    transact(cx, input, |tx, cx, input| {
        Box::pin(async move {
            let reference = name::reference(cx.scope(), &input.name);
            let parameter = find::parameter(tx, cx, &reference).await?.ok_or_else(|| errors::not_found(&input.name))?;
            let version = ssm_version::get(tx, cx.scope(), &parameter.name, input.parameter_version).await?;
            let version = version.ok_or_else(|| errors::no_version(&parameter.name, input.parameter_version))?;
            let (removed_labels, invalid_labels): (Vec<String>, Vec<String>) =
                input.labels.iter().cloned().partition(|label| version.labels.contains(label));
            let rest: Vec<String> =
                version.labels.iter().filter(|label| !removed_labels.contains(label)).cloned().collect();
            ssm_version::set_labels(tx, cx.scope(), &parameter.name, version.version, &rest).await?;
            Ok(Output { removed_labels, invalid_labels })
        })
    })
    .await
}
