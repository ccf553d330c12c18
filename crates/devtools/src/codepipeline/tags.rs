//! Tags of pipelines, webhooks and custom action types.

use base::{ApiError, Arn, Scope, Tags};
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::Tx;
use store::tables::codepipeline_action_type::Key;
use store::tables::{codepipeline_action_type, codepipeline_pipeline, codepipeline_webhook};

/// Tags of one resource.
const MAX_TAGS: usize = 50;

/// One tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tag {
    pub key: String,
    pub value: String,
}

pub(super) fn to_map(tags: Vec<Tag>) -> Result<Tags, ApiError> {
    if let Some(tag) = tags.iter().find(|t| t.key.to_ascii_lowercase().starts_with("aws:")) {
        return Err(ApiError::new(
            "InvalidTagsException",
            format!("The tag key '{}' is not valid: the prefix aws: is reserved.", tag.key),
        ));
    }
    let count = tags.len();
    let map: Tags = tags.into_iter().map(|t| (t.key, t.value)).collect();
    if map.len() != count {
        return Err(ApiError::new("InvalidTagsException", "The tag keys must be unique."));
    }
    check_count(&map)?;
    Ok(map)
}

pub(super) fn check_count(tags: &Tags) -> Result<(), ApiError> {
    if tags.len() <= MAX_TAGS {
        return Ok(());
    }
    Err(ApiError::new("TooManyTagsException", format!("A resource can have at most {MAX_TAGS} tags.")))
}

pub(super) fn to_tags(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag { key: key.clone(), value: value.clone() }).collect()
}

/// What has tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tagged {
    Pipeline(String),
    Webhook(String),
    ActionType { category: String, provider: String, version: String },
}

impl Tagged {
    /// What an ARN of the caller's account and region names.
    pub fn parse(cx: &Cx, arn: &str) -> Result<Self, ApiError> {
        let invalid = || ApiError::new("InvalidArnException", format!("The resource ARN '{arn}' is not valid."));
        let parsed = Arn::parse(arn).ok_or_else(invalid)?;
        if parsed != cx.arn("codepipeline", parsed.resource.as_str()) {
            return Err(invalid());
        }
        if let Some(id) = parsed.resource.strip_prefix("actiontype:") {
            return Tagged::action_type(id).ok_or_else(invalid);
        }
        let (tagged, name) = match parsed.resource.strip_prefix("webhook:") {
            Some(name) => (Tagged::Webhook(name.to_owned()), name),
            None => (Tagged::Pipeline(parsed.resource.clone()), parsed.resource.as_str()),
        };
        if name.contains([':', '/']) { Err(invalid()) } else { Ok(tagged) }
    }

    /// `Custom/Build/Provider/1`.
    fn action_type(id: &str) -> Option<Self> {
        let parts: Vec<&str> = id.split('/').collect();
        match *parts.as_slice() {
            ["Custom", category, provider, version] => Some(Tagged::ActionType {
                category: category.to_owned(),
                provider: provider.to_owned(),
                version: version.to_owned(),
            }),
            _ => None,
        }
    }

    pub async fn tags(&self, tx: &mut Tx, scope: &Scope) -> Result<Tags, ApiError> {
        let (tags, what, name) = match self {
            Tagged::ActionType { category, provider, version } => {
                let key = Key { category, provider, version };
                let row = codepipeline_action_type::get::<serde::de::IgnoredAny>(tx, scope, key).await?;
                (row.filter(|row| !row.is_deleted).map(|row| row.tags), "action type", provider)
            }
            Tagged::Pipeline(name) => {
                (codepipeline_pipeline::get(tx, scope, name).await?.map(|row| row.tags), "pipeline", name)
            }
            Tagged::Webhook(name) => {
                (codepipeline_webhook::get(tx, scope, name).await?.map(|row| row.tags), "webhook", name)
            }
        };
        tags.ok_or_else(|| ApiError::new("ResourceNotFoundException", format!("The {what} '{name}' does not exist.")))
    }

    pub async fn set_tags(&self, tx: &mut Tx, scope: &Scope, tags: &Tags) -> Result<(), store::Error> {
        match self {
            Tagged::ActionType { category, provider, version } => {
                codepipeline_action_type::set_tags(tx, scope, Key { category, provider, version }, tags).await
            }
            Tagged::Pipeline(name) => codepipeline_pipeline::set_tags(tx, scope, name, tags).await,
            Tagged::Webhook(name) => codepipeline_webhook::set_tags(tx, scope, name, tags).await,
        }
    }
}
