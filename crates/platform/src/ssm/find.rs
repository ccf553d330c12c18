//! Finding parameters by what requests call them.

use base::ApiError;
use serde::{Deserialize, Serialize};
use store::Tx;
use store::tables::{ssm_parameter, ssm_version};

use super::name::{Reference, Selector, reference};
use super::{errors, filter};
use crate::Cx;

/// An operation without output members.
#[derive(Debug, Default, Serialize)]
pub struct Nothing {}

/// A tag as requests and answers have it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Tag {
    pub key: String,
    pub value: String,
}

/// The parameter of a name or an ARN.
pub(super) async fn parameter(
    tx: &mut Tx,
    cx: &Cx,
    reference: &Reference,
) -> Result<Option<ssm_parameter::Row>, ApiError> {
    for name in &reference.names {
        if let Some(row) = ssm_parameter::get(tx, cx.scope(), name).await? {
            return Ok(Some(row));
        }
    }
    Ok(None)
}

/// The version that a request names, with the selector that it used.
pub(super) async fn version(
    tx: &mut Tx,
    cx: &Cx,
    text: &str,
) -> Result<(ssm_version::Row, Option<Selector>), ApiError> {
    let reference = reference(cx.scope(), text);
    let Some(parameter) = parameter(tx, cx, &reference).await? else {
        return Err(errors::not_found(text.split(':').next().filter(|_| !text.starts_with("arn:")).unwrap_or(text)));
    };
    let name = &parameter.name;
    let row = match &reference.selector {
        None => newest(tx, cx, &parameter).await?,
        Some(Selector::Version(version)) => {
            ssm_version::get(tx, cx.scope(), name, *version).await?.ok_or_else(|| errors::no_version(name, *version))?
        }
        Some(Selector::Label(label)) => ssm_version::list(tx, cx.scope(), name)
            .await?
            .into_iter()
            .find(|row| row.labels.contains(label))
            .ok_or_else(|| errors::no_label(name, label))?,
    };
    Ok((row, reference.selector))
}

/// The newest version of a parameter.
pub(super) async fn newest(tx: &mut Tx, cx: &Cx, parameter: &ssm_parameter::Row) -> Result<ssm_version::Row, ApiError> {
    let found = ssm_version::get(tx, cx.scope(), &parameter.name, parameter.version).await?;
    found.ok_or_else(|| ApiError::internal(format!("parameter {} has no newest version", parameter.name)))
}

/// The parameters, by name after `after`, that pass `filters`: at most `limit`, and where the next page begins.
pub(super) async fn filtered(
    tx: &mut Tx,
    cx: &Cx,
    prefix: &str,
    filters: &filter::Filters,
    after: &str,
    limit: usize,
) -> Result<(Vec<ssm_version::Row>, Option<String>), ApiError> {
    let mut after = after.to_owned();
    let mut found: Vec<ssm_version::Row> = Vec::new();
    loop {
        let rows = ssm_parameter::list(tx, cx.scope(), prefix, &after, 100).await?;
        let Some(last) = rows.last() else { return Ok((found, None)) };
        after = last.name.clone();
        for parameter in rows {
            if !filters.may_pass(&parameter) {
                continue;
            }
            let version = newest(tx, cx, &parameter).await?;
            let Some(version) = filters.pick(tx, cx, version).await? else { continue };
            if found.len() == limit {
                let position = found.last().map(|row| row.name.clone());
                return Ok((found, position));
            }
            found.push(version);
        }
    }
}

/// The parameter that an operation on tags names.
pub(super) async fn tagged(tx: &mut Tx, cx: &Cx, kind: &str, id: &str) -> Result<ssm_parameter::Row, ApiError> {
    if kind != "Parameter" {
        return Err(errors::bad_resource_type(kind));
    }
    let reference = reference(cx.scope(), id);
    parameter(tx, cx, &reference).await?.ok_or_else(|| errors::no_resource(id))
}
