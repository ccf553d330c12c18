//! The action types that we run. An action of any other type is refused when the pipeline is declared.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ActionTypeId;

/// What an action is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Category {
    Source,
    Build,
    Test,
    Deploy,
    Approval,
}

impl Category {
    /// As the model spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Category::Source => "Source",
            Category::Build => "Build",
            Category::Test => "Test",
            Category::Deploy => "Deploy",
            Category::Approval => "Approval",
        }
    }
}

/// Who does the work of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Provider {
    CodeCommitSource,
    S3Source,
    CodeBuild,
    ManualApproval,
    S3Deploy,
    /// Whoever polls for the jobs of a registered action type.
    Worker,
}

/// One action type: what it takes and what it makes.
#[derive(Debug)]
pub struct ActionType {
    pub category: Category,
    pub provider: Provider,
    /// The provider's name in declarations.
    pub provider_name: &'static str,
    /// How many input artifacts.
    pub inputs: RangeInclusive<usize>,
    /// How many output artifacts.
    pub outputs: RangeInclusive<usize>,
    /// Configuration keys that must be there.
    pub required: &'static [&'static str],
    /// Configuration keys that may be there.
    pub optional: &'static [&'static str],
    /// How long the action may take unless the declaration says otherwise.
    pub timeout: Duration,
}

const HOUR: u64 = 3600;

/// Counts and keys: AWS CodePipeline User Guide, "Action structure reference". Times: "Quotas in AWS CodePipeline".
static TYPES: [ActionType; 6] = [
    ActionType {
        category: Category::Source,
        provider: Provider::CodeCommitSource,
        provider_name: "CodeCommit",
        inputs: 0..=0,
        outputs: 1..=1,
        required: &["RepositoryName", "BranchName"],
        optional: &["PollForSourceChanges", "OutputArtifactFormat"],
        timeout: Duration::from_secs(HOUR),
    },
    ActionType {
        category: Category::Source,
        provider: Provider::S3Source,
        provider_name: "S3",
        inputs: 0..=0,
        outputs: 1..=1,
        required: &["S3Bucket", "S3ObjectKey"],
        optional: &["PollForSourceChanges", "AllowOverrideForS3ObjectKey"],
        timeout: Duration::from_secs(HOUR),
    },
    code_build(Category::Build),
    code_build(Category::Test),
    ActionType {
        category: Category::Approval,
        provider: Provider::ManualApproval,
        provider_name: "Manual",
        inputs: 0..=0,
        outputs: 0..=0,
        required: &[],
        optional: &["CustomData", "ExternalEntityLink", "NotificationArn"],
        timeout: Duration::from_secs(7 * 24 * HOUR),
    },
    ActionType {
        category: Category::Deploy,
        provider: Provider::S3Deploy,
        provider_name: "S3",
        inputs: 1..=1,
        outputs: 0..=0,
        required: &["BucketName", "Extract"],
        optional: &["ObjectKey", "KMSEncryptionKeyARN", "CannedACL", "CacheControl"],
        timeout: Duration::from_secs(90 * 60),
    },
];

const fn code_build(category: Category) -> ActionType {
    ActionType {
        category,
        provider: Provider::CodeBuild,
        provider_name: "CodeBuild",
        inputs: 1..=5,
        outputs: 0..=5,
        required: &["ProjectName"],
        optional: &["PrimarySource", "BatchEnabled", "CombineArtifacts", "EnvironmentVariables"],
        timeout: Duration::from_secs(36 * HOUR),
    }
}

impl ActionType {
    /// The type with this id, if we run it.
    pub fn find(id: &ActionTypeId) -> Option<&'static ActionType> {
        if id.owner != "AWS" || id.version != "1" {
            return None;
        }
        TYPES.iter().find(|t| t.category.as_str() == id.category && t.provider_name == id.provider)
    }

    /// All types that we run.
    pub fn all() -> &'static [ActionType] {
        &TYPES
    }
}
