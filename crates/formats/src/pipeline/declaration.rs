//! The declaration's shape, with the published model's member names.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    ActionType, Category, Condition, ConditionKind, Conditions, FailureConditions, GitConfiguration, Provider,
    RuleDeclaration, TriggerDeclaration,
};

/// A whole pipeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PipelineDeclaration {
    pub name: String,
    pub role_arn: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_store: Option<ArtifactStore>,
    /// By region; instead of `artifact_store`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_stores: Option<BTreeMap<String, ArtifactStore>>,
    pub stages: Vec<StageDeclaration>,
    /// Counted by the service: 1 on creation, one more on each update.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_mode: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipeline_type: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "absent")]
    pub variables: Vec<VariableDeclaration>,
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "absent")]
    pub triggers: Vec<TriggerDeclaration>,
}

/// Where artifacts are kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ArtifactStore {
    #[serde(rename = "type")]
    pub store_type: String,
    /// The bucket.
    pub location: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption_key: Option<EncryptionKey>,
}

/// The key that artifacts are to be encrypted with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EncryptionKey {
    pub id: String,
    #[serde(rename = "type")]
    pub key_type: String,
}

/// A variable of a V2 pipeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VariableDeclaration {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_value: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// A stage: its actions run by run order, those of equal run order side by side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StageDeclaration {
    pub name: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "absent")]
    pub blockers: Vec<Value>,
    pub actions: Vec<ActionDeclaration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<FailureConditions>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_success: Option<Conditions>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_entry: Option<Conditions>,
}

/// One action of a stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ActionDeclaration {
    pub name: String,
    pub action_type_id: ActionTypeId,
    #[serde(default = "one", deserialize_with = "run_order")]
    pub run_order: u32,
    #[serde(default, deserialize_with = "absent")]
    pub configuration: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "absent")]
    pub commands: Vec<String>,
    #[serde(default, deserialize_with = "absent")]
    pub output_artifacts: Vec<OutputArtifact>,
    #[serde(default, deserialize_with = "absent")]
    pub input_artifacts: Vec<ArtifactName>,
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "absent")]
    pub output_variables: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_in_minutes: Option<u32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "absent")]
    pub environment_variables: Vec<Value>,
}

/// A variable of an action's own environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvironmentVariable {
    pub name: String,
    pub value: String,
    #[serde(rename = "type", default)]
    pub kind: EnvironmentVariableKind,
}

/// What the value of an environment variable is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EnvironmentVariableKind {
    #[default]
    Plaintext,
    /// The name of a secret.
    SecretsManager,
}

/// Which kind of work an action is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionTypeId {
    pub category: String,
    pub owner: String,
    pub provider: String,
    pub version: String,
}

impl ActionTypeId {
    /// Whether actions of this type may be done in another region than their pipeline's: no source, custom and third-party
    /// actions (User Guide, "Add a cross-Region action in CodePipeline").
    pub fn crosses_regions(&self) -> bool {
        self.category != "Source" && self.owner == "AWS"
    }
}

/// An artifact that an action reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactName {
    pub name: String,
}

/// An artifact that an action makes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputArtifact {
    pub name: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "absent")]
    pub files: Vec<String>,
}

impl PipelineDeclaration {
    /// The artifact store that serves `region`.
    pub fn store_in(&self, region: &str) -> Option<&ArtifactStore> {
        self.artifact_store.as_ref().or_else(|| self.artifact_stores.as_ref()?.get(region))
    }

    /// The execution mode; SUPERSEDED unless said otherwise.
    pub fn execution_mode(&self) -> &str {
        self.execution_mode.as_deref().unwrap_or("SUPERSEDED")
    }

    /// The pipeline type. Unless said otherwise it is V2 with anything that only those have, else V1 (API_PipelineSummary:
    /// "Including V2 parameters [...] will result in the pipeline having the V2 type").
    pub fn pipeline_type(&self) -> &str {
        let implied = || if self.has_newer_parts() { "V2" } else { "V1" };
        self.pipeline_type.as_deref().unwrap_or_else(implied)
    }

    fn has_newer_parts(&self) -> bool {
        let conditional =
            |s: &StageDeclaration| s.before_entry.is_some() || s.on_success.is_some() || s.on_failure.is_some();
        let newer = |a: &ActionDeclaration| matches!(a.provider(), Some(Provider::Commands | Provider::Pipeline));
        !self.triggers.is_empty()
            || !self.variables.is_empty()
            || self.execution_mode() != "SUPERSEDED"
            || self.stages.iter().any(|stage| conditional(stage) || stage.actions.iter().any(newer))
    }

    /// The stage of this name.
    pub fn stage(&self, name: &str) -> Option<&StageDeclaration> {
        self.stages.iter().find(|s| s.name == name)
    }

    /// The source actions: all actions of the first stage.
    pub fn source_actions(&self) -> impl Iterator<Item = &ActionDeclaration> {
        self.stages.iter().take(1).flat_map(|s| &s.actions)
    }

    /// What starts the pipeline when the repository of this source action changes, if a trigger says so.
    pub fn trigger_of(&self, source_action: &str) -> Option<&GitConfiguration> {
        self.triggers.iter().map(|t| &t.git_configuration).find(|git| git.source_action_name == source_action)
    }
}

impl StageDeclaration {
    /// The rules of all its conditions.
    pub fn rules(&self) -> impl Iterator<Item = &RuleDeclaration> {
        let kinds = [ConditionKind::BeforeEntry, ConditionKind::OnSuccess, ConditionKind::OnFailure];
        kinds.into_iter().filter_map(|kind| self.condition(kind)).flat_map(|c| &c.rules)
    }

    /// The condition of a kind, if the stage declares one.
    pub fn condition(&self, kind: ConditionKind) -> Option<&Condition> {
        match kind {
            ConditionKind::BeforeEntry => self.before_entry.as_ref()?.conditions.first(),
            ConditionKind::OnSuccess => self.on_success.as_ref()?.conditions.first(),
            ConditionKind::OnFailure => self.on_failure.as_ref()?.conditions.first(),
        }
    }

    /// The action of this name.
    pub fn action(&self, name: &str) -> Option<&ActionDeclaration> {
        self.actions.iter().find(|a| a.name == name)
    }
}

impl ActionDeclaration {
    /// The action's type, if it is one that we run.
    pub fn action_type(&self) -> Option<&'static ActionType> {
        ActionType::find(&self.action_type_id)
    }

    /// The provider, if it is one that we run. Actions of registered types are the workers'.
    pub fn provider(&self) -> Option<Provider> {
        match self.action_type_id.owner.as_str() {
            "Custom" => Some(Provider::Worker),
            _ => self.action_type().map(|t| t.provider),
        }
    }

    /// The variables of its own environment; `None` if they cannot be read.
    pub fn environment(&self) -> Option<Vec<EnvironmentVariable>> {
        self.environment_variables.iter().map(|v| serde_json::from_value(v.clone()).ok()).collect()
    }

    /// Whether the action is in category Source.
    pub fn is_source(&self) -> bool {
        self.action_type_id.category == Category::Source.as_str()
    }

    /// A configuration value as written.
    pub fn config(&self, key: &str) -> Option<&str> {
        self.configuration.get(key).map(String::as_str)
    }
}

fn one() -> u32 {
    1
}

/// A member that is null counts as missing.
pub(super) fn absent<'de, D: serde::Deserializer<'de>, T: Default + Deserialize<'de>>(d: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(d)?.unwrap_or_default())
}

fn run_order<'de, D: serde::Deserializer<'de>>(d: D) -> Result<u32, D::Error> {
    Ok(Option::<u32>::deserialize(d)?.unwrap_or(1))
}
