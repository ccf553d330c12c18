//! What is wrong with a pipeline declaration, under AWS's error codes.

use std::fmt;

/// Which part of the declaration is at fault; each is one modelled exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    Structure,
    Stage,
    Action,
    Blocker,
    Limit,
}

/// The first mistake found in a declaration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub kind: ProblemKind,
    pub message: String,
}

impl Problem {
    pub(super) fn structure(message: impl Into<String>) -> Self {
        Problem { kind: ProblemKind::Structure, message: message.into() }
    }

    pub(super) fn stage(message: impl Into<String>) -> Self {
        Problem { kind: ProblemKind::Stage, message: message.into() }
    }

    pub(super) fn action(message: impl Into<String>) -> Self {
        Problem { kind: ProblemKind::Action, message: message.into() }
    }

    pub(super) fn limit(message: impl Into<String>) -> Self {
        Problem { kind: ProblemKind::Limit, message: message.into() }
    }

    /// The modelled error code.
    pub fn code(&self) -> &'static str {
        match self.kind {
            ProblemKind::Structure => "InvalidStructureException",
            ProblemKind::Stage => "InvalidStageDeclarationException",
            ProblemKind::Action => "InvalidActionDeclarationException",
            ProblemKind::Blocker => "InvalidBlockerDeclarationException",
            ProblemKind::Limit => "LimitExceededException",
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}
