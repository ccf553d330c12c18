//! What an action type is. The list of them is [`super::action_types`].

use std::ops::RangeInclusive;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ActionTypeId;
use super::action_types::{TYPES, refusal};

/// What an action is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Category {
    Source,
    Build,
    Test,
    Deploy,
    Invoke,
    Approval,
    Compute,
}

impl Category {
    /// As the model spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Category::Source => "Source",
            Category::Build => "Build",
            Category::Test => "Test",
            Category::Deploy => "Deploy",
            Category::Invoke => "Invoke",
            Category::Approval => "Approval",
            Category::Compute => "Compute",
        }
    }
}

/// Who does the work of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Provider {
    CodeCommitSource,
    /// A repository behind a connection.
    ConnectionSource,
    /// Version 1 of the GitHub action, with a token of its own.
    GitHubSource,
    S3Source,
    CodeBuild,
    /// Builds without a project of one's own.
    Commands,
    ManualApproval,
    S3Deploy,
    /// Whoever polls for the jobs of a registered action type.
    Worker,
    /// Another pipeline.
    Pipeline,
    /// An operation of a service that is not built yet, called all the same: its error ends the action.
    Call,
}

/// An operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    pub service: &'static str,
    pub operation: &'static str,
}

/// One action type: what it takes and what it makes.
#[derive(Debug)]
pub struct ActionType {
    pub category: Category,
    pub provider: Provider,
    /// The provider's name in declarations.
    pub provider_name: &'static str,
    /// AWS or ThirdParty.
    pub owner: &'static str,
    /// How many input artifacts.
    pub inputs: RangeInclusive<usize>,
    /// How many output artifacts.
    pub outputs: RangeInclusive<usize>,
    /// Configuration keys that must be there.
    pub required: &'static [&'static str],
    /// Configuration keys that may be there.
    pub optional: &'static [&'static str],
    /// Configuration keys whose values are shown to nobody.
    pub secret: &'static [&'static str],
    /// How long the action may take unless the declaration says otherwise.
    pub timeout: Duration,
    /// What a provider [`Provider::Call`] calls.
    pub call: Option<Call>,
}

impl ActionType {
    /// The type with this id, if a pipeline may have it.
    pub fn find(id: &ActionTypeId) -> Option<&'static ActionType> {
        if id.version != "1" {
            return None;
        }
        TYPES
            .iter()
            .find(|t| t.category.as_str() == id.category && t.provider_name == id.provider && t.owner == id.owner)
    }

    /// Why no pipeline may have the type with this id, though AWS documents it.
    pub fn refusal(id: &ActionTypeId) -> Option<&'static str> {
        refusal(&id.owner, &id.provider)
    }

    /// All types that we run.
    pub fn all() -> &'static [ActionType] {
        &TYPES
    }
}
