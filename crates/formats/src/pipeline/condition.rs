//! What a stage does when it fails, and the conditions that are checked on its way.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ActionDeclaration, ActionTypeId, ArtifactName, RuleProvider, RuleType};

/// What follows when a stage fails.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FailureConditions {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<ConditionResult>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_configuration: Option<RetryConfiguration>,
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "super::declaration::absent")]
    pub conditions: Vec<Condition>,
}

/// Conditions before the entry into a stage, or after its success.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Conditions {
    #[serde(default, deserialize_with = "super::declaration::absent")]
    pub conditions: Vec<Condition>,
}

/// How a stage is retried.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RetryConfiguration {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_mode: Option<RetryMode>,
}

/// Which actions a retry begins again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RetryMode {
    FailedActions,
    AllActions,
}

/// What is done with a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ConditionResult {
    Rollback,
    Fail,
    Retry,
    Skip,
}

/// Rules that are checked together, and what is done when one of them is not met.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Condition {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<ConditionResult>,
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "super::declaration::absent")]
    pub rules: Vec<RuleDeclaration>,
}

/// One rule of a condition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleDeclaration {
    pub name: String,
    pub rule_type_id: RuleTypeId,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "super::declaration::absent")]
    pub configuration: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "super::declaration::absent")]
    pub commands: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "super::declaration::absent")]
    pub input_artifacts: Vec<ArtifactName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_in_minutes: Option<u32>,
}

/// Which kind of check a rule is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleTypeId {
    pub category: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    pub provider: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

impl FailureConditions {
    /// How the stage is retried by itself, if it is.
    pub fn retry_mode(&self) -> Option<RetryMode> {
        let mode = || self.retry_configuration.as_ref().and_then(|c| c.retry_mode).unwrap_or(RetryMode::AllActions);
        (self.result == Some(ConditionResult::Retry)).then(mode)
    }
}

/// When a condition is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConditionKind {
    BeforeEntry,
    OnSuccess,
    OnFailure,
}

impl ConditionKind {
    /// The member of a stage that declares it.
    pub fn member(self) -> &'static str {
        match self {
            ConditionKind::BeforeEntry => "beforeEntry",
            ConditionKind::OnSuccess => "onSuccess",
            ConditionKind::OnFailure => "onFailure",
        }
    }
}

impl RetryMode {
    /// As the model spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            RetryMode::FailedActions => "FAILED_ACTIONS",
            RetryMode::AllActions => "ALL_ACTIONS",
        }
    }
}

impl ConditionResult {
    /// As the model spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            ConditionResult::Rollback => "ROLLBACK",
            ConditionResult::Fail => "FAIL",
            ConditionResult::Retry => "RETRY",
            ConditionResult::Skip => "SKIP",
        }
    }
}

impl RuleDeclaration {
    /// The rule's type, if it is one that we check.
    pub fn rule_type(&self) -> Option<&'static RuleType> {
        RuleType::find(&self.rule_type_id)
    }

    /// Who checks the rule, if it is one that we check.
    pub fn provider(&self) -> Option<RuleProvider> {
        self.rule_type().map(|t| t.provider)
    }

    /// The action that does what a CodeBuild or Commands rule asks for.
    pub fn as_build(&self) -> ActionDeclaration {
        let text = str::to_owned;
        let (category, provider) = match self.provider() {
            Some(RuleProvider::Commands) => ("Compute", "Commands"),
            Some(
                RuleProvider::CloudWatchAlarm
                | RuleProvider::CodeBuild
                | RuleProvider::DeploymentWindow
                | RuleProvider::LambdaInvoke
                | RuleProvider::VariableCheck,
            )
            | None => ("Build", "CodeBuild"),
        };
        ActionDeclaration {
            name: self.name.clone(),
            action_type_id: ActionTypeId {
                category: text(category),
                owner: text("AWS"),
                provider: text(provider),
                version: text("1"),
            },
            run_order: 1,
            configuration: self.configuration.clone(),
            commands: self.commands.clone(),
            output_artifacts: Vec::new(),
            input_artifacts: self.input_artifacts.clone(),
            output_variables: Vec::new(),
            role_arn: self.role_arn.clone(),
            region: self.region.clone(),
            namespace: None,
            timeout_in_minutes: None,
            environment_variables: Vec::new(),
        }
    }

    /// A configuration value as written.
    pub fn config(&self, key: &str) -> Option<&str> {
        self.configuration.get(key).map(String::as_str)
    }
}
