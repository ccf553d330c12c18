//! Action types that an account has registered itself: whoever polls for their jobs does the work.
//!
//! User Guide, "Create and add a custom action in CodePipeline".

use serde::{Deserialize, Serialize};

use super::configuration::is_matrix;
use super::declaration::absent;
use super::{ActionDeclaration, ActionTypeId, Problem, references};

/// The value that stands for a secret one wherever a declaration is shown.
pub const MASK: &str = "****";

/// A registered action type, in the published model's shape.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CustomActionType {
    pub id: ActionTypeId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<ActionTypeSettings>,
    #[serde(default, deserialize_with = "absent")]
    pub action_configuration_properties: Vec<ConfigurationProperty>,
    pub input_artifact_details: ArtifactDetails,
    pub output_artifact_details: ArtifactDetails,
}

/// Addresses that clients show beside an action.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ActionTypeSettings {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub third_party_configuration_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entity_url_template: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_url_template: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision_url_template: Option<String>,
}

/// One configuration key of an action type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigurationProperty {
    pub name: String,
    pub required: bool,
    /// Whether the value identifies what the action works on.
    pub key: bool,
    pub secret: bool,
    /// Whether PollForJobs may ask for jobs by its value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queryable: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// String, Number or Boolean.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

/// How many artifacts an action takes or makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ArtifactDetails {
    pub minimum_count: usize,
    pub maximum_count: usize,
}

impl ConfigurationProperty {
    /// Whether PollForJobs may ask for jobs by its value.
    pub fn is_queryable(&self) -> bool {
        self.queryable.unwrap_or(false)
    }
}

impl CustomActionType {
    /// The type with this id among those of an account.
    pub fn find<'a>(all: &'a [CustomActionType], id: &ActionTypeId) -> Option<&'a CustomActionType> {
        all.iter().find(|t| t.id == *id)
    }

    /// The property of this name.
    pub fn property(&self, name: &str) -> Option<&ConfigurationProperty> {
        self.action_configuration_properties.iter().find(|p| p.name == name)
    }

    /// What is wrong with the registration, in the order in which the members stand in the model.
    pub fn check(&self) -> Result<(), String> {
        let properties = &self.action_configuration_properties;
        if let Some(name) = super::validate::twice(properties.iter().map(|p| p.name.as_str())) {
            return Err(format!("The configuration property {name} is declared more than once"));
        }
        let queryable: Vec<&ConfigurationProperty> = properties.iter().filter(|p| p.is_queryable()).collect();
        if queryable.len() > 1 {
            return Err("At most one configuration property can be queryable".to_owned());
        }
        if let Some(property) = queryable.iter().find(|p| !p.required || p.secret) {
            return Err(format!(
                "The queryable configuration property {} must be required and not secret",
                property.name
            ));
        }
        for (what, details) in [("input", self.input_artifact_details), ("output", self.output_artifact_details)] {
            if details.minimum_count > details.maximum_count {
                return Err(format!(
                    "The minimum count of {what} artifacts ({}) is more than the maximum count ({})",
                    details.minimum_count, details.maximum_count
                ));
            }
        }
        for template in self.settings.iter().flat_map(ActionTypeSettings::templates) {
            for reference in placeholders(template) {
                self.check_placeholder(reference)?;
            }
        }
        Ok(())
    }

    fn check_placeholder(&self, reference: &str) -> Result<(), String> {
        let Some(name) = reference.strip_prefix("Config:") else {
            return match reference {
                "ExternalExecutionId" | "RevisionId" => Ok(()),
                other => Err(format!("The URL template has {{{other}}}, which is not known")),
            };
        };
        let property = self
            .property(name)
            .ok_or_else(|| format!("The URL template names {name}, which is not a configuration property"))?;
        if property.required && !property.secret {
            return Ok(());
        }
        Err(format!(
            "The URL template names {name}, which must be a required configuration property that is not secret"
        ))
    }

    /// Checks an action's configuration: which keys there are, and what their values may be.
    pub(super) fn check_configuration(&self, action: &ActionDeclaration) -> Result<(), Problem> {
        let wrong = |what: String| {
            Err(Problem::action(format!("Action configuration for action '{}'{what}", action.name))
                .in_member("configuration"))
        };
        let unknown = |key: &&String| self.property(key).is_none() && !is_matrix(key);
        if let Some(key) = action.configuration.keys().find(unknown) {
            return wrong(format!(" contains unknown configuration '{key}'"));
        }
        for property in &self.action_configuration_properties {
            let name = &property.name;
            let Some(value) = action.config(name) else {
                if property.required {
                    return wrong(format!(" is missing required configuration '{name}'"));
                }
                continue;
            };
            if value.is_empty() || value.chars().count() > 1000 {
                return wrong(format!(": the value of '{name}' must be 1 to 1000 characters long"));
            }
            let shown = if property.secret { MASK } else { value };
            if property.is_queryable() && !is_queryable_value(value) && references(value).is_empty() {
                return wrong(format!(
                    ": the value '{shown}' of '{name}', by which jobs are found, must be 1 to 20 letters, digits, - or _"
                ));
            }
            let fits = match property.kind.as_deref() {
                Some("Number") => value.parse::<f64>().is_ok(),
                Some("Boolean") => ["true", "false"].contains(&value),
                _ => true,
            };
            if !fits && value != MASK && references(value).is_empty() {
                let kind = property.kind.as_deref().unwrap_or_default();
                return wrong(format!(": the value '{shown}' of '{name}' is not of type {kind}"));
            }
        }
        Ok(())
    }
}

fn is_queryable_value(value: &str) -> bool {
    (1..=20).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

impl ActionTypeSettings {
    fn templates(&self) -> impl Iterator<Item = &str> {
        [&self.entity_url_template, &self.execution_url_template, &self.revision_url_template]
            .into_iter()
            .filter_map(|t| t.as_deref())
    }
}

/// What stands in braces in a URL template.
fn placeholders(template: &str) -> impl Iterator<Item = &str> {
    template.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name)
}

/// `template` with what stands in braces replaced by what `lookup` gives; `None` when one has no value yet.
pub fn fill_url(template: &str, lookup: impl Fn(&str) -> Option<String>) -> Option<String> {
    let mut parts = template.split('{');
    let mut url = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let Some((name, rest)) = part.split_once('}') else {
            url.push('{');
            url.push_str(part);
            continue;
        };
        url.push_str(&lookup(name)?);
        url.push_str(rest);
    }
    Some(url)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn kind(properties: serde_json::Value, settings: serde_json::Value) -> CustomActionType {
        serde_json::from_value(json!({
            "id": {"category": "Build", "owner": "Custom", "provider": "Mine", "version": "1"},
            "settings": settings,
            "actionConfigurationProperties": properties,
            "inputArtifactDetails": {"minimumCount": 0, "maximumCount": 1},
            "outputArtifactDetails": {"minimumCount": 0, "maximumCount": 1},
        }))
        .unwrap()
    }

    fn property(name: &str, required: bool, secret: bool, queryable: bool) -> serde_json::Value {
        json!({"name": name, "required": required, "key": true, "secret": secret, "queryable": queryable})
    }

    fn action(configuration: serde_json::Value) -> ActionDeclaration {
        serde_json::from_value(json!({
            "name": "a",
            "actionTypeId": {"category": "Build", "owner": "Custom", "provider": "Mine", "version": "1"},
            "configuration": configuration,
        }))
        .unwrap()
    }

    #[test]
    fn one_property_at_most_is_queryable_and_it_is_required_and_no_secret() {
        let check = |list| kind(list, json!(null)).check();
        assert_eq!(check(json!([property("P", true, false, true)])), Ok(()));
        assert!(check(json!([property("P", true, false, true), property("Q", true, false, true)])).is_err());
        assert!(check(json!([property("P", false, false, true)])).is_err());
        assert!(check(json!([property("P", true, true, true)])).is_err());
        assert!(check(json!([property("P", true, true, false), property("P", true, true, false)])).is_err());
    }

    #[test]
    fn templates_name_required_properties_that_are_no_secrets() {
        let list = json!([
            property("P", true, false, false),
            property("S", true, true, false),
            property("O", false, false, false)
        ]);
        let check = |url: &str| kind(list.clone(), json!({"executionUrlTemplate": url})).check();
        assert_eq!(check("https://x/{Config:P}/{ExternalExecutionId}"), Ok(()));
        for wrong in ["https://x/{Config:S}", "https://x/{Config:O}", "https://x/{Config:N}", "https://x/{Nope}"] {
            assert!(check(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_configuration_has_the_registered_keys_and_their_types() {
        let list = json!([
            property("P", true, false, true),
            property("S", false, true, false),
            {"name": "N", "required": false, "key": false, "secret": false, "type": "Number"},
        ]);
        let kind = kind(list, json!(null));
        let check = |configuration| kind.check_configuration(&action(configuration)).map_err(|p| p.message);
        assert_eq!(check(json!({"P": "x"})), Ok(()));
        assert_eq!(check(json!({"P": "x", "N": "1.5", "S": "anything at all"})), Ok(()));
        assert!(check(json!({})).unwrap_err().contains("missing required configuration 'P'"));
        assert!(check(json!({"P": "x", "Q": "y"})).unwrap_err().contains("unknown configuration 'Q'"));
        assert!(check(json!({"P": "two words"})).is_err());
        assert!(check(json!({"P": "x", "N": "many"})).is_err());
        assert!(check(json!({"P": "x", "S": "x".repeat(1001)})).is_err());
    }

    #[test]
    fn urls_are_filled_or_there_are_none_yet() {
        let id = |name: &str| (name == "ExternalExecutionId").then(|| "7".to_owned());
        assert_eq!(fill_url("https://x/{ExternalExecutionId}/y", id).as_deref(), Some("https://x/7/y"));
        assert_eq!(fill_url("https://x/{Config:P}", id), None);
        assert_eq!(fill_url("https://x/{open", id).as_deref(), Some("https://x/{open"));
    }
}
