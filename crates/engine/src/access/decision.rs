//! From a request and the policies that speak of it to a verdict.

use super::{Context, Subject, SubjectKind, condition, matching};
use formats::policy::{Document, Effect, Resources, Statement};

/// Whether policies count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enforcement {
    /// Policies decide about the sessions of builds. Every other authenticated principal may do everything in its
    /// account.
    Builds,
    /// Policies decide about everybody.
    On,
}

/// What somebody wants to do.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    pub subject: &'a Subject,
    /// `service:Operation`.
    pub action: &'a str,
    /// ARNs; `*` for what has none. Where they are not known (an empty list), a deny counts whatever resource it
    /// names, and an allow only if it is for `*`.
    pub resources: &'a [String],
    pub context: &'a Context,
}

/// The policies that speak of a request.
#[derive(Clone, Debug, Default)]
pub struct Policies {
    /// Inline and attached ones of the principal.
    pub identity: Vec<Document>,
    /// The principal's permissions boundary.
    pub boundary: Option<Document>,
    /// A session policy or a resource's policy would stand here too; there are none yet.
    pub resource: Vec<Document>,
}

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Allowed,
    /// No policy allows it.
    DeniedByDefault,
    /// A policy forbids it.
    DeniedExplicitly,
}

impl Verdict {
    /// Whether the answer is yes.
    pub fn is_allowed(self) -> bool {
        self == Verdict::Allowed
    }
}

/// Decides. Every resource must be allowed.
pub fn decide(enforcement: Enforcement, request: &Request<'_>, policies: &Policies) -> Verdict {
    let free = match (&request.subject.kind, enforcement) {
        (SubjectKind::Root, _) => true,
        (SubjectKind::BuildSession { .. }, Enforcement::Builds) => false,
        (_, Enforcement::Builds) => true,
        (_, Enforcement::On) => false,
    };
    // AWS lets everybody ask who they are, whatever policies say.
    if free || request.action == "sts:GetCallerIdentity" {
        return Verdict::Allowed;
    }
    if request.resources.is_empty() {
        return one(request, None, policies);
    }
    let mut verdict = Verdict::Allowed;
    for resource in request.resources {
        match one(request, Some(resource), policies) {
            Verdict::Allowed => {}
            Verdict::DeniedByDefault => verdict = Verdict::DeniedByDefault,
            Verdict::DeniedExplicitly => return Verdict::DeniedExplicitly,
        }
    }
    verdict
}

/// Whether a role's trust policy lets `subject` do `action` (`sts:AssumeRole`, say). Counts whatever the
/// enforcement is, because the policy is the role's own statement of who may become it.
pub fn trusts(trust: &Document, subject: &Subject, action: &str, context: &Context) -> Verdict {
    let request = Request { subject, action, resources: &[], context };
    let applies = |s: &&Statement| {
        s.principals.as_ref().is_some_and(|p| matching::principal(p, subject))
            && matching::action(&s.actions, action)
            && condition::all_hold(s.effect, &s.conditions, request.context)
    };
    verdict(trust.statements.iter().filter(applies))
}

/// `resource` is `None` where it is not known.
fn one(request: &Request<'_>, resource: Option<&str>, policies: &Policies) -> Verdict {
    let covers = |s: &Statement, r: &Resources| match (resource, s.effect) {
        (Some(resource), _) => matching::resource(r, resource, request.context),
        (None, Effect::Deny) => true,
        (None, Effect::Allow) => matching::every_resource(r),
    };
    let applies = |s: &&Statement| {
        matching::action(&s.actions, request.action)
            && s.resources.as_ref().is_none_or(|r| covers(s, r))
            && s.principals.as_ref().is_none_or(|p| matching::principal(p, request.subject))
            && condition::all_hold(s.effect, &s.conditions, request.context)
    };
    let of = |documents: &[Document]| verdict(documents.iter().flat_map(|d| &d.statements).filter(applies));
    let identity = of(&policies.identity);
    let by_resource = of(&policies.resource);
    let boundary = policies.boundary.as_ref().map_or(Verdict::Allowed, |b| of(std::slice::from_ref(b)));
    if [identity, by_resource, boundary].contains(&Verdict::DeniedExplicitly) {
        Verdict::DeniedExplicitly
    } else if by_resource.is_allowed() || (identity.is_allowed() && boundary.is_allowed()) {
        Verdict::Allowed
    } else {
        Verdict::DeniedByDefault
    }
}

fn verdict<'a>(applying: impl Iterator<Item = &'a Statement>) -> Verdict {
    let mut verdict = Verdict::DeniedByDefault;
    for statement in applying {
        match statement.effect {
            Effect::Deny => return Verdict::DeniedExplicitly,
            Effect::Allow => verdict = Verdict::Allowed,
        }
    }
    verdict
}
