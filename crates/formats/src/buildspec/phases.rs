//! The `phases` section.

use super::on_failure::on_failure;
use super::reader::Reader;
use super::{Phase, PhaseName};
use crate::Diagnostic;
use crate::yaml::{Node, Value};

/// Longer commands are not repeated in a message.
const MAX_SHOWN: usize = 100;
const KEYS: &[&str] = &["run-as", "on-failure", "runtime-versions", "commands", "finally", "steps"];

/// The runtimes that CodeBuild's images have had.
const RUNTIMES: &[&str] =
    &["android", "docker", "dotnet", "erlang", "golang", "java", "nodejs", "php", "python", "ruby"];

pub(super) fn phases(r: &mut Reader, root: &Node) -> Vec<Phase> {
    let Some(node) = root.get("phases") else {
        // The builds of a batch may all have buildspecs of their own.
        if root.get("batch").is_some_and(|batch| !batch.is_null()) {
            return Vec::new();
        }
        let found = Diagnostic::error("B010", root.span, "section 'phases' is missing");
        r.found.push(found.with_help("add 'phases:' with a phase 'build' that has 'commands'"));
        return Vec::new();
    };
    let Some(entries) = node.as_mapping() else {
        r.error("B010", node.span, format!("'phases' must be a mapping of phases, not {}", node.kind()));
        return Vec::new();
    };
    let mut phases: Vec<Phase> = Vec::new();
    for (key, value) in entries {
        let text = key.as_text().unwrap_or_default();
        // CodeBuild compares in capitals (its own message says `Invalid buildspec phase name: POSTBUILD`).
        match PhaseName::ALL.into_iter().find(|name| name.key().eq_ignore_ascii_case(text)) {
            Some(name) if phases.iter().any(|phase| phase.name == name) => {
                r.error("B011", key.span, format!("phase '{}' stands here a second time", name.key()));
            }
            Some(name) => phases.extend(phase(r, name, value)),
            None => {
                let known = PhaseName::ALL.into_iter().map(PhaseName::key);
                let message = format!("phase '{text}' is not known");
                let found = Diagnostic::error("B012", key.span, message);
                r.found.push(match crate::nearest(text, known.clone()) {
                    Some(_) => found.with_nearest(text, known),
                    None => found.with_help("the phases are install, pre_build, build and post_build"),
                });
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
        let found = Diagnostic::error("B001", node.span, message);
        r.found.push(found.with_help(format!("write 'commands:' below '{}:' and the commands below that", name.key())));
        return None;
    }
    r.unknown_keys(&format!("phase '{}'", name.key()), node, KEYS);
    Some(Phase {
        name,
        run_as: r.user(node.get("run-as")),
        on_failure: node.get("on-failure").filter(|n| !n.is_null()).and_then(|n| on_failure(r, n)),
        runtime_versions: runtime_versions(r, name, node.get("runtime-versions")),
        commands: commands(r, "Commands", node.get("commands")),
        finally: commands(r, "Finally", node.get("finally")),
        action_steps: action_steps(r, name, node.get("steps")),
    })
}

/// CodeBuild runs GitHub Actions as steps of a phase. They are read so that whoever runs the phase can name them.
fn action_steps(r: &mut Reader, name: PhaseName, node: Option<&Node>) -> Vec<String> {
    let Some(node) = node.filter(|n| !n.is_null()) else { return Vec::new() };
    let Some(items) = node.as_sequence() else {
        r.error("B017", node.span, format!("'steps' must be a list of steps, not {}", node.kind()));
        return Vec::new();
    };
    if !items.is_empty() {
        let message = format!("phase '{}' has 'steps', which Headworks does not run", name.key());
        r.found.push(
            Diagnostic::warning("B017", node.span, message)
                .with_help("a build with this buildspec is refused; write the steps as 'commands'"),
        );
    }
    let mut out = Vec::new();
    for item in items {
        match item.get("uses").or_else(|| item.get("run")).and_then(Node::as_text) {
            Some(text) => out.push(text.to_owned()),
            None => r.error("B017", item.span, "a step is a mapping with 'uses' or 'run'"),
        }
    }
    out
}

fn runtime_versions(r: &mut Reader, name: PhaseName, node: Option<&Node>) -> Vec<(String, String)> {
    if let Some(node) = node.filter(|n| !n.is_null() && name != PhaseName::Install) {
        r.warning("B019", node.span, "'runtime-versions' has an effect in phase 'install' only");
    }
    let mut out = Vec::new();
    for (runtime, key, value) in r.entries("runtime-versions", node) {
        if !RUNTIMES.contains(&runtime) {
            let message = format!("runtime '{runtime}' is none of CodeBuild's");
            r.found
                .push(Diagnostic::warning("B027", key.span, message).with_nearest(runtime, RUNTIMES.iter().copied()));
        }
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
            Value::Mapping(entries) => {
                let message = format!("Expected {list}[{i}] to be of string type: found subkeys instead");
                r.found.push(Diagnostic::error("B015", item.span, message).with_help(colon_help(entries)));
            }
            Value::Sequence(_) => {
                r.error("B015", item.span, format!("Expected {list}[{i}] to be of string type: found a list instead"))
            }
        }
    }
    out
}

fn colon_help(entries: &[(Node, Node)]) -> String {
    if let [(key, value)] = entries
        && let (Some(head), Some(tail)) = (key.as_text(), value.as_text())
    {
        let command = match value.is_null() {
            // `... || :`, where the blank before the colon is lost to YAML.
            true if head.ends_with(['|', '&', ';']) => format!("{head} :"),
            true => format!("{head}:"),
            false => format!("{head}: {tail}"),
        };
        if !command.contains('\n') && command.chars().count() <= MAX_SHOWN {
            let quoted = command.replace('\'', "''");
            return format!("a colon before a blank makes it a mapping: write - '{quoted}'");
        }
    }
    "a colon before a blank makes it a mapping: put the command in quotes, or write it as a block with '|'".to_owned()
}
