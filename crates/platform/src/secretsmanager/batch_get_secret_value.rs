//! BatchGetSecretValue: <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_BatchGetSecretValue.html>.
//! The current values of a list of secrets, or of those that pass filters.

use base::ApiError;
use serde::{Deserialize, Serialize};

use super::errors;
use super::get_secret_value::{self, get_secret_value};
use super::list_secrets::{self, Filter, list_secrets};
use crate::Cx;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    #[serde(default)]
    pub secret_id_list: Vec<String>,
    #[serde(default)]
    pub filters: Vec<Filter>,
    pub max_results: Option<usize>,
    pub next_token: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub secret_values: Vec<get_secret_value::Output>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
    pub errors: Vec<Failure>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Failure {
    pub secret_id: String,
    pub error_code: String,
    pub message: String,
}

pub async fn batch_get_secret_value(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let (ids, next_token) = match (input.secret_id_list.is_empty(), input.filters.is_empty()) {
        (false, true) if input.max_results.is_some() || input.next_token.is_some() => {
            return Err(errors::parameter("MaxResults and NextToken can be used with Filters alone."));
        }
        (false, true) => (input.secret_id_list, None),
        (true, false) => {
            let page = list_secrets::Input {
                max_results: Some(input.max_results.unwrap_or(20)),
                next_token: input.next_token,
                filters: input.filters,
                ..list_secrets::Input::default()
            };
            let page = list_secrets(cx, page).await?;
            (page.secret_list.into_iter().map(|s| s.described.arn).collect(), page.next_token)
        }
        (true, true) | (false, false) => {
            return Err(errors::parameter("You must include either Filters or SecretIdList, but not both."));
        }
    };
    let mut output = Output { secret_values: Vec::new(), next_token, errors: Vec::new() };
    for secret_id in ids {
        let one = get_secret_value::Input { secret_id: secret_id.clone(), version_id: None, version_stage: None };
        match get_secret_value(cx, one).await {
            Ok(value) => output.secret_values.push(value),
            Err(e) if e.kind == base::ErrorKind::Client => {
                output.errors.push(Failure { secret_id, error_code: e.code.to_owned(), message: e.message });
            }
            Err(e) => return Err(e),
        }
    }
    Ok(output)
}
