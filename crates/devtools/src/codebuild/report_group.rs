//! What report groups are stored and shown as.

use base::{ApiError, Scope};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::tables::codebuild_report_group::Row;

use super::errors::invalid;
use super::shapes::Tag;

/// `ReportExportConfig`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ReportExportConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub export_config_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub s3_destination: Option<S3ReportExportConfig>,
}

/// `S3ReportExportConfig`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct S3ReportExportConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket_owner: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packaging: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption_disabled: Option<bool>,
}

impl ReportExportConfig {
    /// The configuration of a group that a buildspec named first.
    pub fn none() -> Self {
        ReportExportConfig { export_config_type: Some("NO_EXPORT".to_owned()), s3_destination: None }
    }

    /// Checked, and with the service's defaults.
    pub(super) fn settled(mut self, scope: &Scope) -> Result<Self, ApiError> {
        match (self.export_config_type.as_deref(), &mut self.s3_destination) {
            (Some("NO_EXPORT") | None, _) => Ok(ReportExportConfig::none()),
            (
                Some("S3"),
                Some(S3ReportExportConfig { bucket: Some(_), bucket_owner, packaging, encryption_disabled, .. }),
            ) => {
                if bucket_owner.as_ref().is_some_and(|owner| owner != scope.account.as_str()) {
                    return Err(invalid("Invalid export config: the bucket's owner is another account"));
                }
                packaging.get_or_insert_with(|| "NONE".to_owned());
                encryption_disabled.get_or_insert(false);
                Ok(self)
            }
            (Some(_), _) => Err(invalid("Invalid export config: export type S3 needs a destination with a bucket")),
        }
    }

    /// As JSON for the store.
    pub(super) fn to_json(&self) -> Result<Value, ApiError> {
        serde_json::to_value(self).map_err(ApiError::internal)
    }
}

/// Names are what an ARN can hold: a colon separates a report from its group.
pub(super) fn check_name(name: &str) -> Result<(), ApiError> {
    let good = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    if !good || !(2..=128).contains(&name.len()) {
        return Err(invalid(
            "Invalid report group name: 2 to 128 letters, digits, dashes, underscores and dots are supported",
        ));
    }
    Ok(())
}

/// A group's tags, each key once.
pub(super) fn check_tags(tags: &[Tag]) -> Result<(), ApiError> {
    for (i, tag) in tags.iter().enumerate() {
        if tags.iter().skip(i + 1).any(|other| other.key == tag.key) {
            return Err(invalid("Invalid tags: a key appears twice"));
        }
    }
    Ok(())
}

/// The ARN of a group.
pub(super) fn arn(scope: &Scope, name: &str) -> String {
    scope.arn("codebuild", format!("report-group/{name}")).to_string()
}

/// The name in a group's ARN, if it is one of this account and region.
pub(super) fn name_in<'a>(scope: &Scope, arn: &'a str) -> Option<&'a str> {
    let prefix = scope.arn("codebuild", "report-group/").to_string();
    arn.strip_prefix(&prefix).filter(|name| !name.is_empty())
}

/// As `name_in`, or AWS's refusal.
pub(super) fn need_name<'a>(scope: &Scope, arn: &'a str) -> Result<&'a str, ApiError> {
    name_in(scope, arn).ok_or_else(|| invalid(format!("Invalid report group ARN: {arn}")))
}

/// A group that is not there.
pub(super) fn not_found(arn: &str) -> ApiError {
    ApiError::new("ResourceNotFoundException", format!("Report group does not exist: {arn}"))
}

/// `ReportGroup` of the API.
pub(super) fn view(scope: &Scope, row: &Row) -> Value {
    json!({
        "arn": arn(scope, &row.name),
        "name": row.name,
        "type": row.kind,
        "exportConfig": row.export,
        "created": row.created,
        "lastModified": row.modified,
        "tags": row.tags,
        "status": "ACTIVE",
    })
}
