//! DeleteParameters: <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DeleteParameters.html>.
//! What is not found is listed, not an error.

use base::ApiError;
use serde::{Deserialize, Serialize};
use store::tables::ssm_parameter;

use crate::Cx;
use crate::transact::transact;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub names: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub deleted_parameters: Vec<String>,
    pub invalid_parameters: Vec<String>,
}

pub async fn delete_parameters(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    transact(cx, input, |tx, cx, input| {
        Box::pin(async move {
            let mut output = Output { deleted_parameters: Vec::new(), invalid_parameters: Vec::new() };
            for name in &input.names {
                match ssm_parameter::delete(tx, cx.scope(), name).await? {
                    true => output.deleted_parameters.push(name.clone()),
                    false => output.invalid_parameters.push(name.clone()),
                }
            }
            Ok(output)
        })
    })
    .await
}
