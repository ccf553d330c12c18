//! The `env` section.

use super::reader::Reader;
use super::{Env, SecretReference, Shell};
use crate::Diagnostic;
use crate::yaml::Node;

const KEYS: &[&str] =
    &["shell", "variables", "parameter-store", "secrets-manager", "exported-variables", "git-credential-helper"];

pub(super) fn env(r: &mut Reader, node: Option<&Node>) -> Env {
    let Some(node) = node.filter(|n| !n.is_null()) else { return Env::default() };
    if node.as_mapping().is_none() {
        r.error("B001", node.span, format!("'env' must be a mapping, not {}", node.kind()));
        return Env::default();
    }
    r.unknown_keys("env", node, KEYS);
    let exported = r.list("exported-variables", node.get("exported-variables"));
    Env {
        shell: node.get("shell").filter(|n| !n.is_null()).and_then(|n| shell(r, n)),
        variables: variables(r, node.get("variables")),
        parameter_store: references(r, "parameter-store", node.get("parameter-store")),
        secrets_manager: references(r, "secrets-manager", node.get("secrets-manager")),
        exported_variables: exported,
        git_credential_helper: r.flag("git-credential-helper", node.get("git-credential-helper")),
    }
}

/// Version 0.1 wrote `environment_variables: {plaintext: {...}}`; CodeBuild reads `env` there too.
pub(super) fn legacy(r: &mut Reader, old: Option<&Node>, new: Option<&Node>) -> Env {
    let mut env = env(r, new);
    let Some(old) = old.filter(|n| !n.is_null()) else { return env };
    env.variables.extend(variables(r, old.get("plaintext")));
    env.parameter_store.extend(references(r, "parameter-store", old.get("parameter-store")));
    env
}

fn shell(r: &mut Reader, node: &Node) -> Option<Shell> {
    match node.as_text().unwrap_or_default() {
        "sh" | "/bin/sh" => Some(Shell::Sh),
        "bash" | "/bin/bash" => Some(Shell::Bash),
        other => {
            let message = match other {
                "powershell.exe" | "cmd.exe" => format!("shell '{other}' needs Windows, which is not built yet"),
                _ => format!("shell '{other}' is not known"),
            };
            r.found.push(Diagnostic::error("B021", node.span, message).with_help("use bash or /bin/sh"));
            None
        }
    }
}

fn variables(r: &mut Reader, node: Option<&Node>) -> Vec<(String, String)> {
    let mut out = Vec::new();
    for (name, key, value) in r.entries("variables", node) {
        check_name(r, name, key);
        match value.as_text() {
            Some(_) if value.is_null() => out.push((name.to_owned(), String::new())),
            Some(text) => out.push((name.to_owned(), text.to_owned())),
            None => r.error("B001", value.span, format!("variable '{name}' must be text, not {}", value.kind())),
        }
    }
    out
}

fn references(r: &mut Reader, section: &str, node: Option<&Node>) -> Vec<SecretReference> {
    let mut out = Vec::new();
    for (name, key, value) in r.entries(section, node) {
        check_name(r, name, key);
        if let Some(reference) = r.text(name, value) {
            out.push(SecretReference { name: name.to_owned(), reference, span: key.span });
        }
    }
    out
}

fn check_name(r: &mut Reader, name: &str, key: &Node) {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(word) || name.starts_with(|c: char| c.is_ascii_digit()) {
        r.error("B020", key.span, format!("'{name}' is not a name that a variable can have"));
    } else if name.starts_with("CODEBUILD_") {
        r.warning("B022", key.span, format!("'{name}' begins with CODEBUILD_, which is reserved"));
    }
}
