//! Conditions of a template, as far as the defaults of its parameters settle them.

use super::functions::{Call, call};
use super::{Template, is_open};
use crate::yaml::Node;

/// Whether the condition of this name holds; `None` when that is open.
pub(super) fn holds(template: &Template<'_>, name: &str) -> Option<bool> {
    if let Some(known) = template.held().borrow().get(name) {
        return *known;
    }
    let node = template.condition(name)?;
    // A condition that leads back to itself finds it open.
    template.held().borrow_mut().insert(name.to_owned(), None);
    let holds = of(template, node);
    template.held().borrow_mut().insert(name.to_owned(), holds);
    holds
}

fn of(template: &Template<'_>, node: &Node) -> Option<bool> {
    if let Some(name) = node.get("Condition").and_then(Node::as_text) {
        return holds(template, name);
    }
    let Call { name, argument } = call(node)?;
    if name == "Condition" {
        return holds(template, argument.as_text()?);
    }
    let parts = argument.as_sequence()?;
    match (name, parts) {
        ("Equals", [a, b]) => Some(text(template, a)? == text(template, b)?),
        ("Not", [one]) => of(template, one).map(|holds| !holds),
        ("And", all) => decided(all.iter().map(|part| of(template, part)), false),
        ("Or", any) => decided(any.iter().map(|part| of(template, part)), true),
        _ => None,
    }
}

/// One part that is `deciding` decides; without one an open part leaves it open.
fn decided(parts: impl Iterator<Item = Option<bool>>, deciding: bool) -> Option<bool> {
    let parts: Vec<Option<bool>> = parts.collect();
    match (parts.contains(&Some(deciding)), parts.contains(&None)) {
        (true, _) => Some(deciding),
        (false, true) => None,
        (false, false) => Some(!deciding),
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
