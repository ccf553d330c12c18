//! CreateCustomActionType: registers an action type, whose jobs workers poll for.
//! <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_CreateCustomActionType.html>
//!
//! A version that was deleted comes back when it is made just as it was ("To restore a deleted custom action, use a JSON file that
//! is identical to the deleted action": API_DeleteCustomActionType).
//!
//! Refused: a version that is there, or was deleted and was another, more than one queryable property, a queryable property that is secret or
//! not required, URL templates that name what may not be shown, and the 51st type.

use base::ApiError;
use formats::pipeline::{ActionTypeId, ActionTypeSettings, ArtifactDetails, ConfigurationProperty, CustomActionType};
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::codepipeline_action_type::{self, Row};

use super::tags::{Tag, check_count, to_map, to_tags};
use super::{action_types, errors};

/// Registered types in an account and region ("Quotas in AWS CodePipeline").
const MAX_TYPES: usize = 50;

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub category: String,
    pub provider: String,
    pub version: String,
    #[serde(default)]
    pub settings: Option<ActionTypeSettings>,
    #[serde(default)]
    pub configuration_properties: Option<Vec<ConfigurationProperty>>,
    pub input_artifact_details: ArtifactDetails,
    pub output_artifact_details: ArtifactDetails,
    #[serde(default)]
    pub tags: Option<Vec<Tag>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub action_type: CustomActionType,
    pub tags: Vec<Tag>,
}

/// Registers an action type.
pub async fn create_custom_action_type(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let owner = action_types::OWNER.to_owned();
    let id = ActionTypeId { category: input.category, owner, provider: input.provider, version: input.version };
    let action_type = CustomActionType {
        id,
        settings: input.settings,
        action_configuration_properties: input.configuration_properties.unwrap_or_default(),
        input_artifact_details: input.input_artifact_details,
        output_artifact_details: input.output_artifact_details,
    };
    action_type.check().map_err(errors::validation)?;
    let tags = to_map(input.tags.unwrap_or_default())?;
    check_count(&tags)?;
    let output = Output { action_type: action_type.clone(), tags: to_tags(&tags) };
    let text = serde_json::to_string(&action_type).map_err(ApiError::internal)?;
    let scope = cx.scope().clone();
    cx.store
        .write(move |tx| {
            let (scope, new, text, tags) = (scope.clone(), action_type.clone(), text.clone(), tags.clone());
            Box::pin(async move {
                let key = action_types::key(&new.id);
                let there: Option<Row<CustomActionType>> = codepipeline_action_type::get(tx, &scope, key).await?;
                let is_back = there.as_ref().is_some_and(|row| row.is_deleted && row.definition == new);
                if let Some(row) = there.filter(|_| !is_back) {
                    return Err(errors::validation(taken(&new.id, row.is_deleted)));
                }
                if action_types::registered(tx, &scope).await?.len() >= MAX_TYPES {
                    let text =
                        format!("Account '{}' has reached the limit of {MAX_TYPES} custom actions", scope.account);
                    return Err(ApiError::new("LimitExceededException", text));
                }
                if is_back {
                    codepipeline_action_type::restore(tx, &scope, key, &tags).await?;
                } else {
                    codepipeline_action_type::insert(tx, &scope, key, &text, &tags).await?;
                }
                Ok::<_, ApiError>(())
            })
        })
        .await?;
    Ok(output)
}

fn taken(id: &ActionTypeId, is_deleted: bool) -> String {
    let what = if is_deleted {
        "was deleted, and comes back only just as it was: use another version"
    } else {
        "exists already"
    };
    format!(
        "ActionType (Category: '{}', Provider: '{}', Owner: '{}', Version: '{}') {what}",
        id.category, id.provider, id.owner, id.version
    )
}
