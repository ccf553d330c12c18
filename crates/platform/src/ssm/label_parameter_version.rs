//! LabelParameterVersion:
//! <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_LabelParameterVersion.html>. A label that
//! another version has moves. Labels of a form that is not allowed are listed; the others are set.

use base::ApiError;
use serde::{Deserialize, Serialize};
use store::Tx;
use store::tables::ssm_version;

use super::{errors, find, name};
use crate::Cx;
use crate::transact::transact;

const MAX_LABELS: usize = 10;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub name: String,
    pub parameter_version: Option<i64>,
    pub labels: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub invalid_labels: Vec<String>,
    pub parameter_version: i64,
}

pub async fn label_parameter_version(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    transact(cx, input, |tx, cx, input| Box::pin(label(tx, cx, input))).await
}

async fn label(tx: &mut Tx, cx: &Cx, input: &Input) -> Result<Output, ApiError> {
    let reference = name::reference(cx.scope(), &input.name);
    let parameter = find::parameter(tx, cx, &reference).await?.ok_or_else(|| errors::not_found(&input.name))?;
    let version = input.parameter_version.unwrap_or(parameter.version);
    let versions = ssm_version::list(tx, cx.scope(), &parameter.name).await?;
    let chosen = versions.iter().find(|row| row.version == version);
    let chosen = chosen.ok_or_else(|| errors::no_version(&parameter.name, version))?;
    let (good, invalid_labels): (Vec<String>, Vec<String>) =
        input.labels.iter().cloned().partition(|label| is_legal(label));
    let mut labels = chosen.labels.clone();
    for label in good {
        if !labels.contains(&label) {
            labels.push(label);
        }
    }
    if labels.len() > MAX_LABELS {
        let text = "A parameter version can have maximum 10 labels.Move one or more labels to another version and \
                    try again.";
        return Err(ApiError::new("ParameterVersionLabelLimitExceeded", text));
    }
    for other in versions.iter().filter(|row| row.version != version) {
        let rest: Vec<String> = other.labels.iter().filter(|label| !labels.contains(label)).cloned().collect();
        if rest.len() < other.labels.len() {
            ssm_version::set_labels(tx, cx.scope(), &parameter.name, other.version, &rest).await?;
        }
    }
    ssm_version::set_labels(tx, cx.scope(), &parameter.name, version, &labels).await?;
    Ok(Output { invalid_labels, parameter_version: version })
}

/// Letters, digits, `.`, `-`, `_`; no digit first; not like a name of AWS's own.
fn is_legal(label: &str) -> bool {
    let lower = label.to_ascii_lowercase();
    label.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
        && !label.starts_with(|c: char| c.is_ascii_digit())
        && !lower.starts_with("aws")
        && !lower.starts_with("ssm")
}
