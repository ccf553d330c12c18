//! ListActionTypes: the types that we run, and those that the account has registered.
//! <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_ListActionTypes.html>

use base::{ApiError, PageToken, Region, Scope};
use formats::pipeline::{ActionType as Known, ActionTypeId, ArtifactDetails, ConfigurationProperty, CustomActionType};
use platform::Cx;
use serde::{Deserialize, Serialize};

use super::{action_types, errors};

/// Types in one answer; the operation has no member for it.
const PAGE: usize = 50;
const LIST: &str = "ListActionTypes";

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Input {
    pub action_owner_filter: Option<String>,
    pub region_filter: Option<String>,
    pub next_token: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub action_types: Vec<CustomActionType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// Lists action types. In another region there are those that an action of a pipeline here can have done there.
pub async fn list_action_types(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let scope = cx.scope();
    let after = input.next_token.as_deref().map(|t| PageToken::position(LIST, t).map_err(|_| errors::invalid_token()));
    let after: usize = match after.transpose()? {
        None => 0,
        Some(text) => text.parse().map_err(|_| errors::invalid_token())?,
    };
    let is_here = is_here(scope, input.region_filter.as_deref())?;
    let known = Known::all().iter().map(show);
    let mut all: Vec<CustomActionType> = known.filter(|known| is_here || known.id.crosses_regions()).collect();
    if is_here {
        all.extend(action_types::registered(&mut cx.store.read().await?, scope).await?);
    }
    all.retain(|t| input.action_owner_filter.as_ref().is_none_or(|owner| t.id.owner == *owner));
    let end = after.saturating_add(PAGE);
    let next_token = (end < all.len()).then(|| PageToken::after(LIST, &end.to_string()).into_string());
    Ok(Output { action_types: all.into_iter().skip(after).take(PAGE).collect(), next_token })
}

/// Whether a list is of the caller's own region.
pub(super) fn is_here(scope: &Scope, filter: Option<&str>) -> Result<bool, ApiError> {
    match filter {
        Some(region) if Region::parse(region).is_none() => {
            Err(errors::validation(format!("'{region}' is not a Region")))
        }
        filter => Ok(filter.is_none_or(|region| region == scope.region.as_str())),
    }
}

fn show(known: &Known) -> CustomActionType {
    let property = |name: &&str, required| ConfigurationProperty {
        name: (*name).to_owned(),
        required,
        key: true,
        secret: known.secret.contains(name),
        queryable: Some(false),
        description: None,
        kind: None,
    };
    let details = |range: &std::ops::RangeInclusive<usize>| ArtifactDetails {
        minimum_count: *range.start(),
        maximum_count: *range.end(),
    };
    let required = known.required.iter().map(|name| property(name, true));
    let optional = known.optional.iter().map(|name| property(name, false));
    CustomActionType {
        id: ActionTypeId {
            category: known.category.as_str().to_owned(),
            owner: known.owner.to_owned(),
            provider: known.provider_name.to_owned(),
            version: "1".to_owned(),
        },
        settings: None,
        action_configuration_properties: required.chain(optional).collect(),
        input_artifact_details: details(&known.inputs),
        output_artifact_details: details(&known.outputs),
    }
}
