//! Intrinsic functions, in their long and short forms.

use super::open::{self, open};
use super::{Template, conditions};
use crate::yaml::{Node, Value};

/// A function with its argument.
pub(super) struct Call<'n> {
    /// `Ref`, or what follows `Fn::`.
    pub name: &'n str,
    pub argument: &'n Node,
}

/// The function that a node calls, if it is one.
pub(super) fn call(node: &Node) -> Option<Call<'_>> {
    if let Some(name) = node.tag.as_deref().and_then(|tag| tag.strip_prefix('!')) {
        return (!name.starts_with('!') && name != "open").then_some(Call { name, argument: node });
    }
    match node.as_mapping()? {
        [(key, argument)] => {
            let key = key.as_text()?;
            let name = key.strip_prefix("Fn::").or((key == "Ref").then_some(key))?;
            Some(Call { name, argument })
        }
        _ => None,
    }
}

/// What the call gives; `None` is AWS::NoValue.
pub(super) fn result(template: &Template<'_>, call: &Call<'_>, at: &Node) -> Option<Node> {
    let argument = untagged(call.argument);
    let found = match call.name {
        "Ref" => match argument.as_text() {
            Some("AWS::NoValue") => return None,
            Some(name) => template.named(name),
            None => None,
        },
        "If" => return choice(template, &argument, at),
        "Sub" => substituted(template, &argument),
        "Join" => joined(template, &argument),
        "FindInMap" => found_in_map(template, &argument),
        "Select" => selected(template, &argument),
        "Split" => split(template, &argument),
        _ => None,
    };
    Some(match found {
        Some(value) => Node { value, span: at.span, tag: None },
        None => open::node(&expression(call.name, &argument), at.span),
    })
}

/// How an open value is named; equal calls have equal names.
fn expression(name: &str, argument: &Node) -> String {
    match argument.as_text() {
        Some(text) if name == "Ref" => text.to_owned(),
        Some(text) => format!("{name} {text}"),
        None => {
            let mut text = name.to_owned();
            spell(argument, &mut text);
            text
        }
    }
}

fn spell(node: &Node, into: &mut String) {
    // Names are for telling values apart: a long one need not be whole.
    if into.len() > 200 {
        return;
    }
    match &node.value {
        Value::Scalar { text, .. } => {
            into.push(' ');
            into.extend(text.chars().take(100));
        }
        Value::Sequence(items) => items.iter().for_each(|item| spell(item, into)),
        Value::Mapping(entries) => entries.iter().for_each(|(key, value)| {
            spell(key, into);
            spell(value, into);
        }),
    }
}

fn untagged(node: &Node) -> Node {
    Node { tag: None, ..node.clone() }
}

fn choice(template: &Template<'_>, argument: &Node, at: &Node) -> Option<Node> {
    let Some([condition, yes, no]) = argument.as_sequence() else {
        return Some(open::node("If", at.span));
    };
    let holds = condition.as_text().and_then(|name| conditions::holds(template, name));
    match holds {
        Some(true) => template.settle(yes),
        Some(false) => template.settle(no),
        None if template.assume() => template.settle(yes),
        None => template.settle(no),
    }
}

fn substituted(template: &Template<'_>, argument: &Node) -> Option<Value> {
    let (text, own) = match argument.as_sequence() {
        Some([text, own]) => (text.as_text()?, Some(own)),
        Some(_) => return None,
        None => (argument.as_text()?, None),
    };
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        let Some((name, behind)) = after.split_once('}') else {
            out.push_str("${");
            rest = after;
            continue;
        };
        match name.strip_prefix('!') {
            Some(literal) => out.push_str(&format!("${{{literal}}}")),
            None => out.push_str(&in_text(template, own, name.trim())?),
        }
        rest = behind;
    }
    out.push_str(rest);
    template.spend(out.len()).then_some(Value::Scalar { text: out, plain: false })
}

fn in_text(template: &Template<'_>, own: Option<&Node>, name: &str) -> Option<String> {
    let value = match own.and_then(|own| own.get(name)) {
        Some(node) => template.settle(node)?.value,
        None => template.named(name).unwrap_or_else(|| Value::Scalar { text: open(name), plain: false }),
    };
    match value {
        Value::Scalar { text, .. } => Some(text),
        Value::Sequence(_) | Value::Mapping(_) => None,
    }
}

fn joined(template: &Template<'_>, argument: &Node) -> Option<Value> {
    let [separator, list] = argument.as_sequence()? else { return None };
    let list = template.settle(list)?;
    let parts: Vec<&str> = list.as_sequence()?.iter().map(Node::as_text).collect::<Option<_>>()?;
    let separator = separator.as_text()?;
    let length = parts.iter().map(|part| part.len() + separator.len()).sum();
    template.spend(length).then(|| Value::Scalar { text: parts.join(separator), plain: false })
}

fn found_in_map(template: &Template<'_>, argument: &Node) -> Option<Value> {
    let [map, first, second] = argument.as_sequence()? else { return None };
    let key = |node: &Node| template.settle(node)?.as_text().map(str::to_owned);
    // "Mappings": there are no functions in them.
    let found = template.mapping(&key(map)?, &key(first)?, &key(second)?)?;
    template.has_room(found).then(|| found.value.clone())
}

fn selected(template: &Template<'_>, argument: &Node) -> Option<Value> {
    let [index, list] = argument.as_sequence()? else { return None };
    let index: usize = template.settle(index)?.as_text()?.trim().parse().ok()?;
    Some(template.settle(list)?.as_sequence()?.get(index)?.value.clone())
}

fn split(template: &Template<'_>, argument: &Node) -> Option<Value> {
    let [separator, text] = argument.as_sequence()? else { return None };
    let (separator, text) = (separator.as_text().filter(|s| !s.is_empty())?, template.settle(text)?);
    let whole = text.as_text().filter(|t| !super::is_open(t) && template.spend(t.len()))?;
    if !template.spend(whole.matches(separator).count() * 100) {
        return None;
    }
    let part =
        |part: &str| Node { value: Value::Scalar { text: part.to_owned(), plain: false }, span: text.span, tag: None };
    Some(Value::Sequence(whole.split(separator).map(part).collect()))
}
