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

/// A mistake found in a declaration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub kind: ProblemKind,
    pub message: String,
    /// Where it stands, from the declaration's root inwards, as far as that is known.
    pub place: Vec<Step>,
    /// Whether AWS would take it: the refusal is Headworks' own.
    pub is_ours: bool,
}

/// One step into a declaration.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// A member, as the model spells it, or a key of a map.
    Member(String),
    /// An item of a list.
    Item(usize),
}

impl Problem {
    pub(super) fn new(kind: ProblemKind, message: impl Into<String>) -> Self {
        Problem { kind, message: message.into(), place: Vec::new(), is_ours: false }
    }

    /// Says that AWS would take it.
    pub(super) fn ours(mut self) -> Self {
        self.is_ours = true;
        self
    }

    /// Says that it stands in this member of what is checked.
    pub(super) fn in_member(mut self, name: &str) -> Self {
        self.place.insert(0, Step::Member(name.to_owned()));
        self
    }

    /// Says that it stands in an item of this list of what is checked.
    pub(super) fn in_item(mut self, list: &str, index: usize) -> Self {
        self.place.insert(0, Step::Item(index));
        self.in_member(list)
    }

    pub(super) fn structure(message: impl Into<String>) -> Self {
        Problem::new(ProblemKind::Structure, message)
    }

    pub(super) fn stage(message: impl Into<String>) -> Self {
        Problem::new(ProblemKind::Stage, message)
    }

    pub(super) fn action(message: impl Into<String>) -> Self {
        Problem::new(ProblemKind::Action, message)
    }

    pub(super) fn limit(message: impl Into<String>) -> Self {
        Problem::new(ProblemKind::Limit, message)
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
