//! Conditions of a template, as far as the defaults of its parameters settle them.

use super::functions::{Call, call};
use super::{Template, is_open};
use crate::yaml::Node;

/// How deep conditions may name one another.
const MAX_DEPTH: usize = 32;

/// Whether the condition of this name holds; `None` when that is open.
pub(super) fn holds(template: &Template<'_>, name: &str) -> Option<bool> {
    named(template, name, 0)
}

fn named(template: &Template<'_>, name: &str, depth: usize) -> Option<bool> {
    if depth > MAX_DEPTH {
        return None;
    }
    of(template, template.condition(name)?, depth)
}

fn of(template: &Template<'_>, node: &Node, depth: usize) -> Option<bool> {
    if let Some(name) = node.get("Condition").and_then(Node::as_text) {
        return named(template, name, depth + 1);
    }
    let Call { name, argument } = call(node)?;
    if name == "Condition" {
        return named(template, argument.as_text()?, depth + 1);
    }
    let parts = argument.as_sequence()?;
    let each = |part: &Node| of(template, part, depth + 1);
    match (name, parts) {
        ("Equals", [a, b]) => Some(text(template, a)? == text(template, b)?),
        ("Not", [one]) => each(one).map(|holds| !holds),
        ("And", all) if all.iter().any(|p| each(p) == Some(false)) => Some(false),
        ("And", all) => all.iter().map(each).collect::<Option<Vec<_>>>().map(|_| true),
        ("Or", any) if any.iter().any(|p| each(p) == Some(true)) => Some(true),
        ("Or", any) => any.iter().map(each).collect::<Option<Vec<_>>>().map(|_| false),
        _ => None,
    }
}

fn text(template: &Template<'_>, node: &Node) -> Option<String> {
    // An empty default is a value here, where elsewhere it leaves a name open.
    let of_parameter = call(node).filter(|c| c.name == "Ref").and_then(|c| c.argument.as_text());
    if let Some(name) = of_parameter {
        if name == "AWS::Region" {
            return template.region().map(str::to_owned);
        }
        return template.parameter(name)?.as_text().map(str::to_owned);
    }
    template.settle(node)?.as_text().filter(|t| !is_open(t)).map(str::to_owned)
}
