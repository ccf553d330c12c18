//! Pipeline declarations (types V1 and V2), as CreatePipeline, UpdatePipeline and templates carry them.

mod action_type;
mod configuration;
mod declaration;
mod problem;
mod validate;
mod variable;

pub use action_type::{ActionType, Category, Provider};
pub use declaration::{
    ActionDeclaration, ActionTypeId, ArtifactName, ArtifactStore, EncryptionKey, OutputArtifact, PipelineDeclaration,
    StageDeclaration, VariableDeclaration,
};
pub use problem::{Problem, ProblemKind};
pub use validate::validate;
pub use variable::{Reference, Unresolved, references, resolve};
