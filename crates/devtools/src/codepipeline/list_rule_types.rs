//! ListRuleTypes: the rules that conditions can have here.
//! <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_ListRuleTypes.html>

use base::ApiError;
use formats::pipeline::{RuleType as Known, RuleTypeId};
use platform::Cx;
use serde::{Deserialize, Serialize};

use super::list_action_types::is_here;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Input {
    /// Every rule is AWS's.
    pub rule_owner_filter: Option<String>,
    pub region_filter: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub rule_types: Vec<RuleType>,
}

/// One kind of rule.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleType {
    pub id: RuleTypeId,
    pub rule_configuration_properties: Vec<Property>,
    pub input_artifact_details: Artifacts,
}

/// A configuration key.
#[derive(Debug, Serialize)]
pub struct Property {
    pub name: &'static str,
    pub required: bool,
    pub key: bool,
    pub secret: bool,
    #[serde(rename = "type")]
    pub kind: &'static str,
}

/// How many artifacts a rule takes.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Artifacts {
    pub minimum_count: usize,
    pub maximum_count: usize,
}

/// Lists the rule types. No rule works in another region than its pipeline's.
pub async fn list_rule_types(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let here = is_here(cx.scope(), input.region_filter.as_deref())?;
    let types = Known::all().iter().filter(|_| here);
    Ok(Output { rule_types: types.map(show).collect() })
}

fn show(known: &Known) -> RuleType {
    let property =
        |name: &&'static str, required| Property { name, required, key: true, secret: false, kind: "String" };
    let required = known.required.iter().map(|n| property(n, true));
    let optional = known.optional.iter().map(|n| property(n, false));
    RuleType {
        id: RuleTypeId {
            category: "Rule".to_owned(),
            owner: Some("AWS".to_owned()),
            provider: known.provider_name.to_owned(),
            version: Some("1".to_owned()),
        },
        rule_configuration_properties: required.chain(optional).collect(),
        input_artifact_details: Artifacts { minimum_count: *known.inputs.start(), maximum_count: *known.inputs.end() },
    }
}
