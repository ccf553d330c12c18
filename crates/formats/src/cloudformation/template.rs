//! A template: what it declares, and its values with the functions in them replaced.
//!
//! AWS CloudFormation User Guide, "Template anatomy" and "Intrinsic function reference". Parameters have their defaults; what has
//! none is open, as are names and attributes of resources.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use super::functions;
use super::open;
use crate::yaml::{Node, Value};

/// How much room the settled values of a template may take, copies included.
const MAX_BYTES: usize = 64 << 20;
/// What a node takes beside its text.
const NODE_BYTES: usize = 100;
/// "Parameters": the longest value.
const MAX_PARAMETER_BYTES: usize = 4096;

/// A template over its parsed text.
#[derive(Debug)]
pub struct Template<'n> {
    root: &'n Node,
    region: Option<&'n str>,
    /// What a condition is that the deployment decides.
    assumed: bool,
    parameters: HashMap<&'n str, &'n Node>,
    mappings: HashMap<&'n str, &'n Node>,
    conditions: HashMap<&'n str, &'n Node>,
    /// Conditions that were looked at; what is being looked at is open.
    held: RefCell<HashMap<String, Option<bool>>>,
    has_assumed: Cell<bool>,
    /// Bytes that may still be copied; what comes after is open.
    left: Cell<usize>,
}

/// A resource of a template.
#[derive(Clone, Copy, Debug)]
pub struct Resource<'n> {
    /// Its logical id, and where that stands.
    pub key: &'n Node,
    pub body: &'n Node,
}

impl<'n> Template<'n> {
    /// The template under `root`; `region` is where it is to be deployed, if that is known. Conditions that the deployment
    /// decides are `assumed`.
    pub fn new(root: &'n Node, region: Option<&'n str>, assumed: bool) -> Self {
        let section = |name: &str| {
            let entries = root.get(name).and_then(Node::as_mapping).unwrap_or_default();
            entries.iter().filter_map(|(key, value)| Some((key.as_text()?, value))).collect()
        };
        Template {
            root,
            region,
            assumed,
            parameters: section("Parameters"),
            mappings: section("Mappings"),
            conditions: section("Conditions"),
            held: RefCell::default(),
            has_assumed: Cell::new(false),
            left: Cell::new(MAX_BYTES),
        }
    }

    /// Whether a condition was assumed in what was settled so far.
    pub fn has_assumed(&self) -> bool {
        self.has_assumed.get()
    }

    pub(super) fn assume(&self) -> bool {
        self.has_assumed.set(true);
        self.assumed
    }

    pub(super) fn held(&self) -> &RefCell<HashMap<String, Option<bool>>> {
        &self.held
    }

    /// Whether a resource is certainly not made.
    pub fn is_left_out(&self, resource: &Resource<'_>) -> bool {
        let condition = resource.body.get("Condition").and_then(Node::as_text);
        condition.is_some_and(|name| super::conditions::holds(self, name) == Some(false))
    }

    /// Takes room for a copy of a node as it stands.
    pub(super) fn has_room(&self, node: &Node) -> bool {
        self.spend(node.as_text().map_or(0, str::len))
            && match &node.value {
                Value::Scalar { .. } => true,
                Value::Sequence(items) => items.iter().all(|item| self.has_room(item)),
                Value::Mapping(entries) => entries.iter().all(|(k, v)| self.has_room(k) && self.has_room(v)),
            }
    }

    /// The resources of a type, in the order of the template.
    pub fn resources(&self, kind: &str) -> Vec<Resource<'n>> {
        let all = self.root.get("Resources").and_then(Node::as_mapping).unwrap_or_default();
        let is_of_kind = |body: &Node| body.get("Type").and_then(Node::as_text) == Some(kind);
        all.iter().filter(|(_, body)| is_of_kind(body)).map(|(key, body)| Resource { key, body }).collect()
    }

    /// The node with its functions replaced; `None` stands for AWS::NoValue.
    pub fn settle(&self, node: &Node) -> Option<Node> {
        if node.is_open() {
            return Some(node.clone());
        }
        if let Some(call) = functions::call(node) {
            return functions::result(self, &call, node);
        }
        if !self.spend(node.as_text().map_or(0, str::len)) {
            return Some(open::node("...", node.span));
        }
        let value = match &node.value {
            // "Using dynamic references": the deployment resolves them.
            Value::Scalar { text, .. } if text.contains("{{resolve:") => return Some(open::node(text, node.span)),
            Value::Scalar { .. } => return Some(node.clone()),
            Value::Sequence(items) => Value::Sequence(items.iter().filter_map(|item| self.settle(item)).collect()),
            Value::Mapping(entries) => Value::Mapping(
                entries.iter().filter_map(|(key, value)| Some((self.key(key), self.settle(value)?))).collect(),
            ),
        };
        Some(Node { value, span: node.span, tag: node.tag.clone() })
    }

    fn key(&self, key: &Node) -> Node {
        match self.spend(key.as_text().map_or(0, str::len)) {
            true => key.clone(),
            false => open::node("...", key.span),
        }
    }

    /// What a name stands for in Ref and Sub, if that is settled.
    pub(super) fn named(&self, name: &str) -> Option<Value> {
        let scalar = |text: &str| Some(Value::Scalar { text: text.to_owned(), plain: false });
        match name {
            "AWS::Region" => return self.region.and_then(scalar),
            "AWS::Partition" => return scalar("aws"),
            "AWS::URLSuffix" => return scalar("amazonaws.com"),
            _ => {}
        }
        let parameter = *self.parameters.get(name)?;
        let default =
            parameter.get("Default")?.as_text().filter(|t| !t.is_empty() && t.len() <= MAX_PARAMETER_BYTES)?;
        let kind = parameter.get("Type").and_then(Node::as_text).unwrap_or_default();
        if kind.contains("SSM::Parameter::Value") || !self.spend(default.len()) {
            return None;
        }
        if kind == "CommaDelimitedList" || kind.starts_with("List<") {
            let span = parameter.span;
            let item = |text: &str| Node {
                value: Value::Scalar { text: text.trim().to_owned(), plain: false },
                span,
                tag: None,
            };
            let items = default.split(',');
            let room = self.spend(items.clone().count() * NODE_BYTES);
            return room.then(|| Value::Sequence(items.map(item).collect()));
        }
        scalar(default)
    }

    /// The value of a parameter as conditions see it: an empty default counts.
    pub(super) fn parameter(&self, name: &str) -> Option<&'n Node> {
        self.parameters.get(name)?.get("Default")
    }

    pub(super) fn mapping(&self, map: &str, first: &str, second: &str) -> Option<&'n Node> {
        self.mappings.get(map)?.get(first)?.get(second)
    }

    pub(super) fn condition(&self, name: &str) -> Option<&'n Node> {
        self.conditions.get(name).copied()
    }

    pub(super) fn region(&self) -> Option<&'n str> {
        self.region
    }

    /// Takes room for a node with this much text; false when there is none left.
    pub(super) fn spend(&self, bytes: usize) -> bool {
        let left = self.left.get().checked_sub(bytes.saturating_add(NODE_BYTES));
        self.left.set(left.unwrap_or(0));
        left.is_some()
    }
}

#[cfg(test)]
#[path = "template_tests.rs"]
mod tests;
