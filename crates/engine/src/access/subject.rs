//! Who asks, and what is known about the request.

use std::collections::BTreeMap;

/// Condition keys, in lower case, with their values: `aws:username`, `sts:externalid`, ... A key without a value is
/// there and not known: then a condition on it holds for a deny, and not for an allow.
pub type Context = BTreeMap<String, Vec<String>>;

/// An authenticated principal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Twelve digits.
    pub account: String,
    /// The unique id: `AIDA...`, `AROA...:session`, or the account for its root.
    pub user_id: String,
    pub kind: SubjectKind,
}

/// What kind of principal it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubjectKind {
    Root,
    User {
        arn: String,
    },
    /// A session of a role; a policy may name either.
    AssumedRole {
        arn: String,
        role_arn: String,
    },
    /// The session of a role under which a build runs, or one that such a session has made.
    BuildSession {
        arn: String,
        role_arn: String,
    },
    /// `codebuild.amazonaws.com`, say.
    Service(String),
}

impl Subject {
    /// Whether it is a session of a role.
    pub fn is_role_session(&self) -> bool {
        matches!(self.kind, SubjectKind::AssumedRole { .. } | SubjectKind::BuildSession { .. })
    }

    /// Whether `arn` names this principal.
    pub(super) fn is_arn(&self, arn: &str) -> bool {
        match &self.kind {
            SubjectKind::User { arn: own } => own == arn,
            SubjectKind::AssumedRole { arn: own, role_arn } | SubjectKind::BuildSession { arn: own, role_arn } => {
                own == arn || role_arn == arn
            }
            SubjectKind::Root | SubjectKind::Service(_) => false,
        }
    }

    /// Whether `id` is this principal's unique id, or that of the role of this session.
    pub(super) fn is_id(&self, id: &str) -> bool {
        self.user_id == id || self.user_id.split_once(':').is_some_and(|(role, _)| role == id)
    }
}
