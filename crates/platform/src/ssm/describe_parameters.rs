//! DescribeParameters:
//! <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DescribeParameters.html>. By name; without
//! values. No parameter is shared between accounts here, so a list of the shared ones is empty.

use base::{ApiError, PageToken, Timestamp};
use serde::{Deserialize, Serialize};
use store::tables::ssm_version;

use super::filter::{Filters, For, StringFilter};
use super::{errors, find, name};
use crate::Cx;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    #[serde(default)]
    pub filters: Vec<StringFilter>,
    #[serde(default)]
    pub parameter_filters: Vec<StringFilter>,
    pub max_results: Option<usize>,
    pub next_token: Option<String>,
    #[serde(default)]
    pub shared: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub parameters: Vec<Described>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Described {
    pub name: String,
    #[serde(rename = "ARN")]
    pub arn: String,
    pub r#type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,
    pub last_modified_date: Timestamp,
    pub last_modified_user: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_pattern: Option<String>,
    pub version: i64,
    pub tier: String,
    pub policies: Vec<String>,
    pub data_type: String,
}

pub async fn describe_parameters(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    if !input.filters.is_empty() && !input.parameter_filters.is_empty() {
        return Err(errors::validation("You can use either Filters or ParameterFilters in a single request."));
    }
    if input.shared {
        return Ok(Output { parameters: Vec::new(), next_token: None });
    }
    let filters = Filters::parse(&[input.filters, input.parameter_filters].concat(), For::Describe)?;
    let list = format!("DescribeParameters {filters:?}");
    let after = match &input.next_token {
        None => String::new(),
        Some(token) => PageToken::position(&list, token).map_err(|_| errors::bad_token())?,
    };
    let limit = input.max_results.unwrap_or(50).clamp(1, 50);
    let mut tx = cx.store.read().await?;
    let (rows, more) = find::filtered(&mut tx, cx, filters.prefix(), &filters, &after, limit).await?;
    let parameters = rows.into_iter().map(|row| shape(cx, row)).collect();
    Ok(Output { parameters, next_token: more.map(|name| PageToken::after(&list, &name).into_string()) })
}

fn shape(cx: &Cx, row: ssm_version::Row) -> Described {
    Described {
        arn: name::arn(cx.scope(), &row.name),
        name: row.name,
        r#type: row.kind,
        key_id: row.key_id,
        last_modified_date: row.modified,
        last_modified_user: row.modified_by,
        description: row.description,
        allowed_pattern: row.allowed_pattern,
        version: row.version,
        tier: row.tier,
        policies: Vec::new(),
        data_type: row.data_type,
    }
}
