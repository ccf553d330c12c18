//! Pipeline declarations (types V1 and V2), as CreatePipeline, UpdatePipeline and templates carry them.

mod action_type;
mod action_types;
mod command;
mod condition;
mod configuration;
mod custom_action_type;
mod declaration;
pub mod document;
mod glob;
mod json_path;
mod matrix;
mod problem;
mod rule_type;
mod trigger;
mod validate;
mod validate_approvals;
mod validate_conditions;
mod validate_names;
mod validate_triggers;
mod variable;
mod window;

pub use action_type::{ActionType, Call, Category, Provider};
pub use command::{CommandProblem, command_references, resolve_command};
pub use condition::{
    Condition, ConditionKind, ConditionResult, Conditions, FailureConditions, RetryConfiguration, RetryMode,
    RuleDeclaration, RuleTypeId,
};
pub use configuration::COMMANDS_COMPUTE;
pub use custom_action_type::{
    ActionTypeSettings, ArtifactDetails, ConfigurationProperty, CustomActionType, MASK, fill_url,
};
pub use declaration::{
    ActionDeclaration, ActionTypeId, ArtifactName, ArtifactStore, EncryptionKey, EnvironmentVariable,
    EnvironmentVariableKind, OutputArtifact, PipelineDeclaration, StageDeclaration, VariableDeclaration,
};
pub use glob::Glob;
pub use json_path::JsonPath;
pub use matrix::{
    DEFINITION, MATRIX, MATRIX_FILE, MAX_RUNS, Matrix, MatrixSource, NAMESPACE as MATRIX_NAMESPACE, Values,
    artifact_file, checked as checked_runs,
};
pub use problem::{Problem, ProblemKind, Step};
pub use rule_type::{RuleProvider, RuleType};
pub use trigger::{
    GitConfiguration, Patterns, PullRequestEvent, PullRequestFilter, PushFilter, TriggerDeclaration, TriggerProvider,
};
pub use validate::{problems, problems_with, validate, validate_settled, validate_with};
pub use validate_approvals::MAX_QUORUM;
pub use variable::{Reference, Unresolved, references, resolve};
pub use window::DeploymentWindow;
