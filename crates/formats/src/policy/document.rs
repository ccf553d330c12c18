//! A policy document as a value.

use super::Condition;

/// A whole document.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// `2012-10-17` or `2008-10-17` (which is what a document without a version has).
    pub version: String,
    pub id: Option<String>,
    pub statements: Vec<Statement>,
}

/// One statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    pub sid: Option<String>,
    pub effect: Effect,
    /// Present in trust and resource policies only.
    pub principals: Option<Principals>,
    pub actions: Actions,
    /// Absent in trust policies.
    pub resources: Option<Resources>,
    /// All of them must hold.
    pub conditions: Vec<Condition>,
}

/// What a matching statement does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Allow,
    Deny,
}

/// Whom a statement speaks of.
#[derive(Clone, Debug, PartialEq)]
pub enum Principals {
    /// `Principal`.
    Only(Vec<PrincipalPattern>),
    /// `NotPrincipal`.
    Except(Vec<PrincipalPattern>),
}

/// One entry of a `Principal` element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrincipalPattern {
    /// `"*"` or `{"AWS": "*"}`.
    Anyone,
    /// An account: twelve digits, or `arn:aws:iam::ACCOUNT:root`.
    Account(String),
    /// A user, role, assumed-role or federated-user ARN.
    Arn(String),
    /// The unique id that AWS shows in the place of a deleted user or role.
    Id(String),
    /// `codebuild.amazonaws.com`, say.
    Service(String),
    /// An identity provider.
    Federated(String),
    /// An S3 canonical user.
    CanonicalUser(String),
}

/// Which actions a statement covers; patterns with `*` and `?`.
#[derive(Clone, Debug, PartialEq)]
pub enum Actions {
    /// `Action`.
    Only(Vec<String>),
    /// `NotAction`.
    Except(Vec<String>),
}

/// Which resources a statement covers; patterns with `*` and `?`.
#[derive(Clone, Debug, PartialEq)]
pub enum Resources {
    /// `Resource`.
    Only(Vec<String>),
    /// `NotResource`.
    Except(Vec<String>),
}
