//! PutParameter: <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html>. Makes a
//! parameter, or with `Overwrite` its next version. At most a hundred versions are kept; the oldest goes, unless it
//! has a label.
//!
//! Deviation: a SecureString is sealed under the installation's key whatever `KeyId` says, so only the default key
//! `alias/aws/ssm` may be named.

use base::{ApiError, Tags};
use regex_automata::meta::Regex;
use serde::{Deserialize, Serialize};
use store::Tx;
use store::tables::{ssm_parameter, ssm_version};

use super::find::{self, Tag};
use super::{errors, name, value};
use crate::Cx;
use crate::transact::transact;

/// Members that are refused by name: nothing here expires or notifies, and no AMI is checked.
pub const UNSUPPORTED: &[&str] = &["DataType (other than text)", "Policies"];

const DEFAULT_KEY: &str = "alias/aws/ssm";
const STANDARD_BYTES: usize = 4096;
const ADVANCED_BYTES: usize = 8192;
const MAX_VERSIONS: usize = 100;
/// A pattern may compile to this much; a bigger one is refused.
const PATTERN_BYTES: usize = 1 << 20;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub name: String,
    pub description: Option<String>,
    pub value: base::Secret<String>,
    pub r#type: Option<String>,
    pub key_id: Option<String>,
    #[serde(default)]
    pub overwrite: bool,
    pub allowed_pattern: Option<String>,
    #[serde(default)]
    pub tags: Vec<Tag>,
    pub tier: Option<String>,
    pub policies: Option<String>,
    pub data_type: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub version: i64,
    pub tier: String,
}

pub async fn put_parameter(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    cx.room()?;
    check(cx, &input)?;
    transact(cx, input, |tx, cx, input| Box::pin(put(tx, cx, input))).await
}

fn check(cx: &Cx, input: &Input) -> Result<(), ApiError> {
    name::check_new(cx.scope(), &input.name)?;
    // CDK's and Terraform's ways of saying that there are none.
    if input.policies.as_deref().is_some_and(|p| !matches!(p.trim(), "[]" | "[{}]" | "{}")) {
        return Err(errors::unsupported("Policies"));
    }
    if input.data_type.as_deref().is_some_and(|d| d != "text") {
        return Err(errors::unsupported("DataType (other than text)"));
    }
    if input.value.expose().is_empty() {
        return Err(errors::validation(
            "1 validation error detected: Value '' at 'value' failed to satisfy constraint: Member must have length \
             greater than or equal to 1.",
        ));
    }
    if !input.tags.is_empty() && input.overwrite {
        return Err(errors::validation(
            "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please \
             remove overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or \
             RemoveTagsFromResource.",
        ));
    }
    if input.tags.len() > 50 {
        return Err(errors::too_many_tags());
    }
    if let Some(pattern) = input.allowed_pattern.as_deref().filter(|p| !p.is_empty()) {
        check_pattern(pattern, input.value.expose())?;
    }
    Ok(())
}

/// The whole value must match.
fn check_pattern(pattern: &str, value: &str) -> Result<(), ApiError> {
    let config = Regex::config().nfa_size_limit(Some(PATTERN_BYTES));
    let regex = Regex::builder().configure(config).build(&format!("^(?:{pattern})$")).map_err(|e| {
        let text = format!("The allowed pattern {pattern} is not a valid regular expression: {e}");
        ApiError::new("InvalidAllowedPatternException", text)
    })?;
    if regex.is_match(value) {
        return Ok(());
    }
    let text = format!("Parameter value, cannot be validated against allowedPattern: {pattern}");
    Err(ApiError::new("ParameterPatternMismatchException", text))
}

fn key_id(cx: &Cx, input: &Input, kind: &str) -> Result<Option<String>, ApiError> {
    match (kind == value::SECURE, input.key_id.as_deref()) {
        (false, None) => Ok(None),
        (false, Some(_)) => Err(errors::validation("KeyId is required for SecureString type parameter only.")),
        (true, None) => Ok(Some(DEFAULT_KEY.to_owned())),
        (true, Some(key)) if key == DEFAULT_KEY || key == cx.arn("kms", DEFAULT_KEY).to_string() => {
            Ok(Some(DEFAULT_KEY.to_owned()))
        }
        (true, Some(key)) => {
            let text = format!(
                "Headworks encrypts parameters under its installation's key, so the key {key} cannot be used: leave \
                 KeyId out, or name {DEFAULT_KEY}."
            );
            Err(ApiError::new("InvalidKeyId", text))
        }
    }
}

/// The tier that a version gets. A parameter that is advanced stays so.
fn tier(asked: Option<&str>, before: Option<&str>, bytes: usize) -> Result<String, ApiError> {
    if asked == Some("Standard") && before == Some("Advanced") {
        return Err(errors::validation(
            "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the \
             advanced-parameter tier to the standard-parameter tier. If necessary, you can delete the advanced \
             parameter and recreate it as a standard parameter.",
        ));
    }
    let advanced = match asked.or(before) {
        Some("Advanced") => true,
        Some("Intelligent-Tiering") => bytes > STANDARD_BYTES || before == Some("Advanced"),
        Some(_) | None => false,
    };
    if advanced && bytes > ADVANCED_BYTES {
        return Err(errors::validation(
            "Advanced tier parameters support a maximum parameter value of 8192 characters.",
        ));
    }
    if !advanced && bytes > STANDARD_BYTES {
        return Err(errors::validation(
            "Standard tier parameters support a maximum parameter value of 4096 characters. To create a larger \
             parameter value, upgrade the parameter to use the advanced-parameter tier. For more information, see \
             https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html",
        ));
    }
    Ok(if advanced { "Advanced" } else { "Standard" }.to_owned())
}

async fn put(tx: &mut Tx, cx: &Cx, input: &Input) -> Result<Output, ApiError> {
    let parameter = ssm_parameter::get(tx, cx.scope(), &input.name).await?;
    let before = match &parameter {
        Some(_) if !input.overwrite => return Err(errors::exists()),
        Some(parameter) => Some(find::newest(tx, cx, parameter).await?),
        None => None,
    };
    let kind = match (&input.r#type, &before) {
        (Some(kind), Some(before)) if *kind != before.kind => {
            let text = "Parameter Store doesn't support changing a parameter type in a hierarchy. For example, you \
                        can't change a parameter from a String type to a SecureString type. You must create a new, \
                        unique parameter.";
            return Err(ApiError::new("HierarchyTypeMismatchException", text));
        }
        (_, Some(before)) => before.kind.clone(),
        (Some(kind), None) => kind.clone(),
        (None, None) => {
            return Err(errors::validation("A parameter type is required when you create a parameter."));
        }
    };
    let version = parameter.as_ref().map_or(1, |p| p.version + 1);
    let value = input.value.expose();
    let row = ssm_version::Row {
        name: input.name.clone(),
        version,
        value: value::to_column(cx, &kind, &input.name, version, value)?,
        description: input.description.clone().or(before.as_ref().and_then(|b| b.description.clone())),
        allowed_pattern: input.allowed_pattern.clone().filter(|p| !p.is_empty()),
        key_id: key_id(cx, input, &kind)?,
        kind,
        tier: tier(input.tier.as_deref(), before.as_ref().map(|b| b.tier.as_str()), value.len())?,
        data_type: "text".to_owned(),
        labels: Vec::new(),
        modified: cx.now(),
        modified_by: cx.caller.principal.arn.clone(),
    };
    if parameter.is_some() {
        make_room(tx, cx, &input.name).await?;
        ssm_parameter::set_version(tx, cx.scope(), &input.name, version).await?;
    } else {
        let tags: Tags = input.tags.iter().map(|t| (t.key.clone(), t.value.clone())).collect();
        let new = ssm_parameter::Row { name: input.name.clone(), version, tags };
        if !ssm_parameter::insert(tx, cx.scope(), &new).await? {
            return Err(errors::exists());
        }
    }
    ssm_version::insert(tx, cx.scope(), &row).await?;
    Ok(Output { version, tier: row.tier })
}

/// The oldest of a hundred versions goes; one with a label holds everything up, so that a label never leads nowhere.
async fn make_room(tx: &mut Tx, cx: &Cx, name: &str) -> Result<(), ApiError> {
    let versions = ssm_version::list(tx, cx.scope(), name).await?;
    let Some(oldest) = versions.first().filter(|_| versions.len() >= MAX_VERSIONS) else { return Ok(()) };
    if oldest.labels.is_empty() {
        return Ok(ssm_version::delete(tx, cx.scope(), name, oldest.version).await?);
    }
    let text = format!(
        "You attempted to create a new version of {name} by calling the PutParameter API with the overwrite flag. \
         Version {}, the oldest version, can't be deleted because it has a label associated with it. Move the label \
         to another version of the parameter, and try again.",
        oldest.version
    );
    Err(ApiError::new("ParameterMaxVersionLimitExceeded", text))
}
