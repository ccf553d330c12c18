//! The `phases` section.

use super::reader::Reader;
use super::{OnFailure, Phase, PhaseName};
use crate::Diagnostic;
use crate::yaml::{Node, Value};

const KEYS: &[&str] = &["run-as", "on-failure", "runtime-versions", "commands", "finally", "steps"];

pub(super) fn phases(r: &mut Reader, node: &Node) -> Vec<Phase> {
    let Some(entries) = node.as_mapping() else {
        r.error("B010", node.span, format!("'phases' must be a mapping of phases, not {}", node.kind()));
        return Vec::new();
    };
    let mut phases = Vec::new();
    for (key, value) in entries {
        let text = key.as_text().unwrap_or_default();
        match PhaseName::ALL.into_iter().find(|name| name.key() == text) {
            Some(name) => phases.extend(phase(r, name, value)),
            None => {
                let known = PhaseName::ALL.into_iter().map(PhaseName::key);
                let message = format!("phase '{text}' is not known");
                r.found.push(Diagnostic::error("B012", key.span, message).with_nearest(text, known));
            }
        }
    }
    phases.sort_by_key(|phase| phase.name);
    phases
}

fn phase(r: &mut Reader, name: PhaseName, node: &Node) -> Option<Phase> {
    if node.is_null() {
        return None;
    }
    if node.as_mapping().is_none() {
        let message = format!("phase '{}' must be a mapping with 'commands', not {}", name.key(), node.kind());
        r.error("B001", node.span, message);
        return None;
    }
    r.unknown_keys(&format!("phase '{}'", name.key()), node, KEYS);
    if let Some(steps) = node.get("steps") {
        r.error("B017", steps.span, "'steps' is not built yet; write 'commands'");
    }
    Some(Phase {
        name,
        run_as: node.get("run-as").and_then(|n| r.text("run-as", n)),
        on_failure: node.get("on-failure").filter(|n| !n.is_null()).and_then(|n| on_failure(r, n)),
        runtime_versions: runtime_versions(r, name, node.get("runtime-versions")),
        commands: commands(r, "Commands", node.get("commands")),
        finally: commands(r, "Finally", node.get("finally")),
    })
}

fn on_failure(r: &mut Reader, node: &Node) -> Option<OnFailure> {
    match node.as_text().unwrap_or_default() {
        "ABORT" => Some(OnFailure::Abort),
        "CONTINUE" => Some(OnFailure::Continue),
        retry if retry == "RETRY" || retry.starts_with("RETRY-") => {
            r.error("B018", node.span, format!("on-failure '{retry}' is not built yet; use ABORT or CONTINUE"));
            None
        }
        other => {
            let message = format!("on-failure must be ABORT or CONTINUE, not '{other}'");
            r.found.push(Diagnostic::error("B014", node.span, message).with_nearest(other, ["ABORT", "CONTINUE"]));
            None
        }
    }
}

fn runtime_versions(r: &mut Reader, name: PhaseName, node: Option<&Node>) -> Vec<(String, String)> {
    if let Some(node) = node.filter(|n| !n.is_null() && name != PhaseName::Install) {
        r.warning("B019", node.span, "'runtime-versions' has an effect in phase 'install' only");
    }
    let mut out = Vec::new();
    for (runtime, _, value) in r.entries("runtime-versions", node) {
        if let Some(version) = r.text(runtime, value) {
            out.push((runtime.to_owned(), version));
        }
    }
    out
}

/// A command with a colon and a space, unquoted, is a mapping to YAML: the most common mistake in buildspecs, so the
/// message has AWS's words and the help says what to do.
fn commands(r: &mut Reader, list: &str, node: Option<&Node>) -> Vec<String> {
    let Some(node) = node.filter(|n| !n.is_null()) else { return Vec::new() };
    let one = std::slice::from_ref(node);
    let items = match &node.value {
        Value::Sequence(items) => items.as_slice(),
        Value::Scalar { .. } | Value::Mapping(_) => one,
    };
    let mut out = Vec::new();
    for (i, item) in items.iter().enumerate() {
        match &item.value {
            Value::Scalar { .. } if item.is_null() => {}
            Value::Scalar { text, .. } => out.push(text.clone()),
            Value::Mapping(_) => r.found.push(
                Diagnostic::error(
                    "B015",
                    item.span,
                    format!("Expected {list}[{i}] to be of string type: found subkeys instead"),
                )
                .with_help("put the command in quotes, or write it as a block with '|'"),
            ),
            Value::Sequence(_) => {
                r.error("B015", item.span, format!("Expected {list}[{i}] to be of string type: found a list instead"))
            }
        }
    }
    out
}
