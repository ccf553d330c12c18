//! Pipeline declarations (types V1 and V2), as CreatePipeline, UpdatePipeline and templates carry them.

mod action_type;
mod condition;
mod configuration;
mod declaration;
mod problem;
mod rule_type;
mod validate;
mod validate_conditions;
mod variable;
mod window;

pub use action_type::{ActionType, Category, Provider};
pub use condition::{
    Condition, ConditionKind, ConditionResult, Conditions, FailureConditions, RetryConfiguration, RetryMode,
    RuleDeclaration, RuleTypeId,
};
pub use declaration::{
    ActionDeclaration, ActionTypeId, ArtifactName, ArtifactStore, EncryptionKey, OutputArtifact, PipelineDeclaration,
    StageDeclaration, VariableDeclaration,
};
pub use problem::{Problem, ProblemKind, Step};
pub use rule_type::{RuleProvider, RuleType};
pub use validate::{problems, validate};
pub use variable::{Reference, Unresolved, references, resolve};
pub use window::DeploymentWindow;
