//! GetParameters: <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html>. What is
//! not found is listed, not an error.

use base::{ApiError, ErrorKind};
use serde::{Deserialize, Serialize};

use super::value::{Parameter, shape};
use super::{errors, find};
use crate::Cx;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub names: Vec<String>,
    #[serde(default)]
    pub with_decryption: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub parameters: Vec<Parameter>,
    pub invalid_parameters: Vec<String>,
}

pub async fn get_parameters(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let mut seen = std::collections::BTreeSet::new();
    if !input.names.iter().all(|name| seen.insert(name)) {
        return Err(errors::validation("The request contains duplicate parameter names."));
    }
    let mut tx = cx.store.read().await?;
    let mut output = Output { parameters: Vec::new(), invalid_parameters: Vec::new() };
    for name in &input.names {
        match find::version(&mut tx, cx, name).await {
            Ok((row, selector)) => {
                output.parameters.push(shape(cx, &row, selector.as_ref(), input.with_decryption)?);
            }
            Err(e) if e.kind == ErrorKind::Client => output.invalid_parameters.push(name.clone()),
            Err(e) => return Err(e),
        }
    }
    Ok(output)
}
