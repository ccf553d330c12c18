//! A template: what it declares, and its values with the functions in them replaced.
//!
//! AWS CloudFormation User Guide, "Template anatomy" and "Intrinsic function reference". Parameters have their defaults; what has
//! none is open, as are names and attributes of resources.

use std::cell::Cell;

use super::functions;
use super::open;
use crate::yaml::{Node, Value};

/// How much text the settled values of a template may have, copies included.
const MAX_TEXT_BYTES: usize = 16 << 20;
/// "Parameters": the longest value.
const MAX_PARAMETER_BYTES: usize = 4096;

/// A template over its parsed text.
#[derive(Debug)]
pub struct Template<'n> {
    root: &'n Node,
    region: Option<&'n str>,
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
    /// The template under `root`; `region` is where it is to be deployed, if that is known.
    pub fn new(root: &'n Node, region: Option<&'n str>) -> Self {
        Template { root, region, left: Cell::new(MAX_TEXT_BYTES) }
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
        let value = match &node.value {
            Value::Scalar { text, .. } if !self.spend(text.len()) => return Some(open::node("...", node.span)),
            Value::Scalar { .. } => return Some(node.clone()),
            Value::Sequence(items) => Value::Sequence(items.iter().filter_map(|item| self.settle(item)).collect()),
            Value::Mapping(entries) => Value::Mapping(
                entries.iter().filter_map(|(key, value)| Some((key.clone(), self.settle(value)?))).collect(),
            ),
        };
        Some(Node { value, span: node.span, tag: node.tag.clone() })
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
        let parameter = self.root.get("Parameters")?.get(name)?;
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
            return Some(Value::Sequence(default.split(',').map(item).collect()));
        }
        scalar(default)
    }

    /// The value of a parameter as conditions see it: an empty default counts.
    pub(super) fn parameter(&self, name: &str) -> Option<&'n Node> {
        self.root.get("Parameters")?.get(name)?.get("Default")
    }

    pub(super) fn mapping(&self, map: &str, first: &str, second: &str) -> Option<&'n Node> {
        self.root.get("Mappings")?.get(map)?.get(first)?.get(second)
    }

    pub(super) fn condition(&self, name: &str) -> Option<&'n Node> {
        self.root.get("Conditions")?.get(name)
    }

    pub(super) fn region(&self) -> Option<&'n str> {
        self.region
    }

    /// Takes room for a copy; false when there is none left.
    pub(super) fn spend(&self, bytes: usize) -> bool {
        let left = self.left.get().checked_sub(bytes + 1);
        self.left.set(left.unwrap_or(0));
        left.is_some()
    }
}

#[cfg(test)]
#[path = "template_tests.rs"]
mod tests;
