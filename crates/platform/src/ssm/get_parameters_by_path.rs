//! GetParametersByPath:
//! <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParametersByPath.html>. By name.

use base::{ApiError, PageToken};
use serde::{Deserialize, Serialize};

use super::filter::{Filters, For, StringFilter};
use super::value::{Parameter, shape};
use super::{errors, find, name};
use crate::Cx;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub path: String,
    #[serde(default)]
    pub recursive: bool,
    #[serde(default)]
    pub parameter_filters: Vec<StringFilter>,
    #[serde(default)]
    pub with_decryption: bool,
    pub max_results: Option<usize>,
    pub next_token: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub parameters: Vec<Parameter>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

pub async fn get_parameters_by_path(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    name::check_path(&input.path)?;
    let filters = Filters::parse(&input.parameter_filters, For::ByPath)?;
    let filters = filters.under(&input.path, input.recursive);
    let list = format!("GetParametersByPath {filters:?}");
    let after = match &input.next_token {
        None => String::new(),
        Some(token) => PageToken::position(&list, token).map_err(|_| errors::bad_token())?,
    };
    let limit = input.max_results.unwrap_or(10).clamp(1, 10);
    let mut tx = cx.store.read().await?;
    let (rows, more) = find::filtered(&mut tx, cx, filters.prefix(), &filters, &after, limit).await?;
    let parameters = rows.iter().map(|row| shape(cx, row, None, input.with_decryption)).collect::<Result<_, _>>()?;
    Ok(Output { parameters, next_token: more.map(|name| PageToken::after(&list, &name).into_string()) })
}
