//! Reads a node as a shape says, and remembers where each value stood.

use std::collections::HashMap;

use serde_json::{Map, Number, Value as Json};

use super::super::Step;
use super::shape::{Member, Shape, Text};
use crate::cloudformation::{is_open, open, readable};
use crate::yaml::{Node, Value};
use crate::{Diagnostic, Diagnostics, Span};

/// How members are spelt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spelling {
    /// `actionTypeId`
    Api,
    /// `ActionTypeId`
    Template,
}

/// What was read.
pub(super) struct Reader {
    spelling: Spelling,
    path: Vec<Step>,
    places: HashMap<Vec<Step>, Span>,
    pub found: Diagnostics,
    /// Whether a list or a structure is open, so that not all is known.
    pub is_partial: bool,
}

impl Reader {
    pub fn new(spelling: Spelling) -> Self {
        Reader { spelling, path: Vec::new(), places: HashMap::new(), found: Diagnostics::default(), is_partial: false }
    }

    /// The value of a node, with members as the API spells them. What is wrong is left out.
    pub fn value(&mut self, shape: &Shape, node: &Node) -> Option<Json> {
        self.places.insert(self.path.clone(), node.span);
        match shape {
            Shape::Text(bounds) => self.text(bounds, node),
            Shape::Whole(least, most) => self.whole(*least, *most, node),
            Shape::Flag => self.flag(node),
            Shape::List(_, _, _) | Shape::Map(_, _) | Shape::Structure(_) if node.is_open() => {
                self.partial(node.span, &self.what());
                None
            }
            Shape::List(item, least, most) => self.list(item, (*least, *most), node),
            Shape::Map(value, key_length) => self.map(value, *key_length, node),
            Shape::Structure(members) => self.structure(members, node),
        }
    }

    /// Where the value at a path stood, or what it stood in.
    pub fn place(&self, path: &[Step]) -> Span {
        let known = (0..=path.len()).rev().find_map(|n| self.places.get(path.get(..n)?));
        known.copied().unwrap_or(Span::START)
    }

    fn partial(&mut self, span: Span, what: &str) {
        self.is_partial = true;
        let message = format!("{what} is settled when the template is deployed; it was not looked at");
        self.found.push(Diagnostic::warning("P020", span, message));
    }

    /// A function beside other members, such as Fn::Transform.
    fn brings_more(&self, name: &str) -> bool {
        self.spelling == Spelling::Template && name.starts_with("Fn::")
    }

    fn error(&mut self, code: &'static str, span: Span, message: String) -> Option<Json> {
        self.found.push(Diagnostic::error(code, span, readable(&message)));
        None
    }

    /// The value's name in messages.
    fn what(&self) -> String {
        let named = self.path.iter().rev().find_map(|step| match step {
            Step::Member(name) => Some(format!("'{}'", self.spelt(name))),
            Step::Item(_) => None,
        });
        match (self.path.last(), named) {
            (Some(Step::Item(_)), Some(list)) => format!("an item of {list}"),
            (Some(Step::Member(_)), Some(name)) => name,
            _ => "the pipeline".to_owned(),
        }
    }

    fn misshaped(&mut self, wanted: &str, node: &Node) -> Option<Json> {
        let message = format!("{} must be {wanted}, not {}", self.what(), node.kind());
        self.error("P001", node.span, message)
    }

    fn text(&mut self, bounds: &Text, node: &Node) -> Option<Json> {
        let Some(text) = node.as_text().filter(|_| !node.is_null()) else { return self.misshaped("text", node) };
        if is_open(text) {
            return Some(Json::String(text.to_owned()));
        }
        let length = text.chars().count();
        if !(bounds.least..=bounds.most).contains(&length) {
            let message =
                format!("{} must have {} to {} characters, not {length}", self.what(), bounds.least, bounds.most);
            return self.error("P004", node.span, message);
        }
        if let Some(why) = bounds.letters.misfit(text) {
            let shown: String = text.chars().take(60).collect();
            let message = format!("{} is '{shown}': {why}", self.what());
            return self.error("P004", node.span, message);
        }
        Some(Json::String(text.to_owned()))
    }

    fn whole(&mut self, least: u32, most: u32, node: &Node) -> Option<Json> {
        let Some(text) = node.as_text().filter(|_| !node.is_null()) else { return self.misshaped("a number", node) };
        if is_open(text) {
            // The order of actions hangs on it.
            self.is_partial = true;
            return None;
        }
        match text.trim().parse::<u32>().ok().filter(|n| (least..=most).contains(n)) {
            Some(number) => Some(Json::Number(Number::from(number))),
            None => {
                let message = format!("{} must be a whole number between {least} and {most}", self.what());
                self.error("P004", node.span, message)
            }
        }
    }

    fn flag(&mut self, node: &Node) -> Option<Json> {
        if node.as_text().is_some_and(is_open) {
            return None;
        }
        match node.as_bool() {
            Some(flag) => Some(Json::Bool(flag)),
            None => self.misshaped("true or false", node),
        }
    }

    fn list(&mut self, item: &Shape, (least, most): (usize, usize), node: &Node) -> Option<Json> {
        let Some(items) = node.as_sequence() else { return self.misshaped("a list", node) };
        if !(least..=most).contains(&items.len()) {
            let message = format!("{} must have {least} to {most} items, not {}", self.what(), items.len());
            self.error("P004", node.span, message);
        }
        let mut read = Vec::new();
        for node in items {
            // Places go by what was read: a mistake has no place in the declaration.
            self.path.push(Step::Item(read.len()));
            read.extend(self.value(item, node));
            self.path.pop();
        }
        Some(Json::Array(read))
    }

    fn map(&mut self, value: &Shape, key_length: usize, node: &Node) -> Option<Json> {
        let Some(entries) = node.as_mapping() else { return self.misshaped("a mapping", node) };
        let mut read = Map::new();
        for (key, node) in entries {
            let name = key.as_text().unwrap_or_default();
            self.path.push(Step::Member(name.to_owned()));
            if name.is_empty() || name.chars().count() > key_length {
                self.error("P004", key.span, format!("a key must have 1 to {key_length} characters"));
            } else if let Some(value) = self.value(value, &as_text(node)) {
                read.insert(name.to_owned(), value);
            }
            self.path.pop();
        }
        Some(Json::Object(read))
    }

    fn structure(&mut self, members: &[Member], node: &Node) -> Option<Json> {
        let Some(entries) = node.as_mapping() else { return self.misshaped("a mapping", node) };
        let mut read = Map::new();
        for (key, node) in entries {
            let name = key.as_text().unwrap_or_default();
            let Some(member) = members.iter().find(|m| self.spelt(m.name) == name) else {
                if self.brings_more(name) {
                    self.partial(key.span, &format!("what '{name}' brings"));
                } else {
                    self.unknown(members, key);
                }
                continue;
            };
            if node.is_null() && !member.required {
                continue;
            }
            self.path.push(Step::Member(member.name.to_owned()));
            let value = self.value(member.shape, node);
            self.path.pop();
            if let Some(value) = value {
                read.insert(member.name.to_owned(), value);
            }
        }
        if entries.iter().any(|(key, _)| self.brings_more(key.as_text().unwrap_or_default())) {
            return Some(Json::Object(read));
        }
        for member in members.iter().filter(|m| m.required) {
            let name = self.spelt(member.name);
            if node.get(&name).is_none() {
                self.error("P002", node.span, format!("{} has no '{name}'", self.what()));
            }
        }
        Some(Json::Object(read))
    }

    fn unknown(&mut self, members: &[Member], key: &Node) {
        let whole = key.as_text().unwrap_or_default();
        let name: &str = &whole.chars().take(60).collect::<String>();
        let known: Vec<String> = members.iter().map(|m| self.spelt(m.name)).collect();
        let message = format!("'{name}' is not a member of {}", self.what());
        let found = Diagnostic::error("P003", key.span, message);
        self.found.push(found.with_nearest(name, known.iter().map(String::as_str)));
    }

    fn spelt(&self, name: &str) -> String {
        let mut letters = name.chars();
        match (self.spelling, letters.next()) {
            (Spelling::Template, Some(first)) => first.to_ascii_uppercase().to_string() + letters.as_str(),
            (Spelling::Template | Spelling::Api, _) => name.to_owned(),
        }
    }
}

/// A boolean has one spelling, and a list or a mapping stands for its JSON, as CloudFormation sends them.
fn as_text(node: &Node) -> Node {
    let text = match &node.value {
        Value::Scalar { text, plain: true } if matches!(text.as_str(), "True" | "TRUE" | "False" | "FALSE") => {
            text.to_ascii_lowercase()
        }
        Value::Scalar { .. } => return node.clone(),
        Value::Sequence(_) | Value::Mapping(_) => match json(node) {
            Some(value) => value.to_string(),
            None => open("a value"),
        },
    };
    Node { value: Value::Scalar { text, plain: false }, span: node.span, tag: node.tag.clone() }
}

/// `None` when a part of it is open.
fn json(node: &Node) -> Option<Json> {
    Some(match &node.value {
        Value::Scalar { text, .. } if is_open(text) => return None,
        Value::Scalar { .. } if node.is_null() => Json::Null,
        Value::Scalar { text, .. } => Json::String(text.clone()),
        Value::Sequence(items) => Json::Array(items.iter().map(json).collect::<Option<_>>()?),
        Value::Mapping(entries) => Json::Object(
            entries
                .iter()
                .map(|(key, value)| Some((key.as_text().unwrap_or_default().to_owned(), json(value)?)))
                .collect::<Option<_>>()?,
        ),
    })
}
