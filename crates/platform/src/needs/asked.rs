//! A call as the tables see it, and what they say of it.

use base::{Arn, Scope};
use serde_json::Value;

/// One action on its resources. All of a call's needs must be allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// `service:Action`.
    pub action: String,
    /// ARNs; `*` for what has none; nothing where the call should name one and does not, or where it is not known. Then every
    /// deny of the action counts, and an allow only if it is for `*`.
    pub resources: Vec<String>,
    /// Condition keys of this action alone, in lower case, with their values. Those that only the store knows are
    /// added when it is decided.
    pub context: Vec<(String, String)>,
}

/// A call: what is asked of which service.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    pub scope: &'a Scope,
    /// The prefix of the service's actions: the name that requests are signed for.
    pub service: &'a str,
    pub operation: &'a str,
    /// Canonical JSON.
    pub input: &'a Value,
}

impl Need {
    /// An action on one resource.
    pub fn new(action: impl Into<String>, resource: impl Into<String>) -> Self {
        Need::on(action, vec![resource.into()])
    }

    /// An action on all of `resources`.
    pub fn on(action: impl Into<String>, resources: Vec<String>) -> Self {
        Need { action: action.into(), resources, context: Vec::new() }
    }
}

impl<'a> Asked<'a> {
    /// A member's text. `member` is a name, or a JSON pointer if it begins with a slash.
    pub fn text(&self, member: &str) -> Option<&'a str> {
        self.value(member)?.as_str().filter(|t| !t.is_empty())
    }

    /// The texts of all of `members`, each of them a text or a list of texts.
    pub fn texts(&self, members: &[&str]) -> Vec<&'a str> {
        let values = members.iter().filter_map(|m| self.value(m));
        let each = values.flat_map(|v| v.as_array().map_or(std::slice::from_ref(v), Vec::as_slice));
        each.filter_map(Value::as_str).filter(|t| !t.is_empty()).collect()
    }

    fn value(&self, member: &str) -> Option<&'a Value> {
        if member.starts_with('/') { self.input.pointer(member) } else { self.input.get(member) }
    }

    /// The ARN of a resource of this service in the caller's account and region.
    pub fn own(&self, resource: &str) -> String {
        self.scope.arn(self.service, resource).to_string()
    }

    /// The resources that `members` name: what is an ARN already stays one, `resource` makes the others'.
    pub fn named(&self, members: &[&str], resource: impl Fn(&str) -> String) -> Vec<String> {
        let arn = |name: &&str| if Arn::parse(name).is_some() { (*name).to_owned() } else { self.own(&resource(name)) };
        self.texts(members).iter().map(arn).collect()
    }

    /// The operation itself, whose action is called as it is, on these resources.
    pub fn itself(&self, resources: Vec<String>) -> Need {
        Need::on(format!("{}:{}", self.service, self.operation), resources)
    }

    /// The operation itself, which policies cannot narrow to a resource.
    pub fn anything(&self) -> Need {
        self.itself(vec!["*".to_owned()])
    }

    /// Handing `role` to `service`, which will act as it.
    pub fn pass_role(&self, role: &str, service: &str) -> Need {
        let context = vec![("iam:passedtoservice".to_owned(), format!("{service}.amazonaws.com"))];
        Need { context, ..Need::new("iam:PassRole", role) }
    }
}
