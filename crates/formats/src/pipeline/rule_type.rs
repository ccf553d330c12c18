//! The rule types that we check. A rule of any other type is refused when the pipeline is declared.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::RuleTypeId;

/// Who checks a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RuleProvider {
    CloudWatchAlarm,
    CodeBuild,
    Commands,
    DeploymentWindow,
    LambdaInvoke,
    VariableCheck,
}

/// One rule type: what it takes.
#[derive(Debug)]
pub struct RuleType {
    pub provider: RuleProvider,
    /// The provider's name in declarations.
    pub provider_name: &'static str,
    /// How many input artifacts.
    pub inputs: RangeInclusive<usize>,
    /// Configuration keys that must be there.
    pub required: &'static [&'static str],
    /// Configuration keys that may be there.
    pub optional: &'static [&'static str],
    /// How long the check may take unless the declaration says otherwise.
    pub timeout: Duration,
}

const HOUR: u64 = 3600;

/// Keys: AWS CodePipeline User Guide, "Rule structure reference". In the order of the names.
static TYPES: [RuleType; 6] = [
    RuleType {
        provider: RuleProvider::CloudWatchAlarm,
        provider_name: "CloudWatchAlarm",
        inputs: 0..=0,
        required: &["AlarmName"],
        optional: &["AlarmStates", "WaitTime"],
        timeout: Duration::from_secs(HOUR),
    },
    RuleType {
        provider: RuleProvider::CodeBuild,
        provider_name: "CodeBuild",
        inputs: 1..=5,
        required: &["ProjectName"],
        optional: &["PrimarySource", "BatchEnabled", "CombineArtifacts", "EnvironmentVariables"],
        timeout: Duration::from_secs(36 * HOUR),
    },
    RuleType {
        provider: RuleProvider::Commands,
        provider_name: "Commands",
        inputs: 1..=10,
        required: &[],
        optional: &[],
        timeout: Duration::from_secs(HOUR),
    },
    RuleType {
        provider: RuleProvider::DeploymentWindow,
        provider_name: "DeploymentWindow",
        inputs: 0..=0,
        required: &["Cron"],
        optional: &["TimeZone"],
        // No page says it; as long as an approval waits.
        timeout: Duration::from_secs(7 * 24 * HOUR),
    },
    RuleType {
        provider: RuleProvider::LambdaInvoke,
        provider_name: "LambdaInvoke",
        inputs: 0..=5,
        required: &["FunctionName"],
        optional: &["UserParameters"],
        timeout: Duration::from_secs(HOUR),
    },
    RuleType {
        provider: RuleProvider::VariableCheck,
        provider_name: "VariableCheck",
        inputs: 0..=0,
        required: &["Operator", "Value", "Variable"],
        optional: &[],
        timeout: Duration::from_secs(HOUR),
    },
];

impl RuleType {
    /// The type with this id, if we check it.
    pub fn find(id: &RuleTypeId) -> Option<&'static RuleType> {
        let ours = id.category == "Rule"
            && id.owner.as_deref().is_none_or(|o| o == "AWS")
            && id.version.as_deref().is_none_or(|v| v == "1");
        TYPES.iter().find(|t| ours && t.provider_name == id.provider)
    }

    /// All types that we check.
    pub fn all() -> &'static [RuleType] {
        &TYPES
    }
}
