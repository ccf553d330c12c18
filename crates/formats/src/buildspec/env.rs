//! The `env` section.

use super::reader::Reader;
use super::{Env, SecretReference, Shell};
use crate::Diagnostic;
use crate::yaml::Node;

const KEYS: &[&str] =
    &["shell", "variables", "parameter-store", "secrets-manager", "exported-variables", "git-credential-helper"];

pub(super) fn env(r: &mut Reader, node: Option<&Node>) -> Env {
    let Some(node) = node.filter(|n| !n.is_null()) else { return Env::default() };
    if !r.is_mapping("'env'", node) {
        return Env::default();
    }
    r.unknown_keys("env", node, KEYS);
    let exported = exported(r, node.get("exported-variables"));
    Env {
        shell: node.get("shell").filter(|n| !n.is_null()).and_then(|n| shell(r, n)),
        variables: variables(r, node.get("variables")),
        parameter_store: references(r, "parameter-store", node.get("parameter-store")),
        secrets_manager: secrets(r, node.get("secrets-manager")),
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
    let name = r.text("shell", node)?;
    match name.to_ascii_lowercase().as_str() {
        "sh" | "/bin/sh" => Some(Shell::Sh),
        "bash" | "/bin/bash" => Some(Shell::Bash),
        "powershell" | "powershell.exe" => Some(Shell::PowerShell),
        "cmd" | "cmd.exe" => Some(Shell::Cmd),
        _ => {
            let found = Diagnostic::error("B021", node.span, format!("shell '{name}' is not known"));
            r.found.push(found.with_help("use bash or /bin/sh"));
            None
        }
    }
}

pub(super) fn variables(r: &mut Reader, node: Option<&Node>) -> Vec<(String, String)> {
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
        match r.text(name, value).filter(|reference| !reference.trim().is_empty()) {
            Some(reference) => out.push(SecretReference { name: name.to_owned(), reference, span: key.span }),
            None if value.as_text().is_some() => {
                r.error("B024", key.span, format!("'{name}' in {section} does not say where its value is"));
            }
            None => {}
        }
    }
    out
}

fn secrets(r: &mut Reader, node: Option<&Node>) -> Vec<SecretReference> {
    let references = references(r, "secrets-manager", node);
    for secret in references.iter().filter(|secret| secret.secret_place().is_none()) {
        let message = format!("'{}' does not name a secret: {}", secret.name, secret.reference);
        let found = Diagnostic::error("B023", secret.span, message);
        r.found.push(found.with_help("write secret-id:json-key:version-stage:version-id; only the first is needed"));
    }
    references
}

fn exported(r: &mut Reader, node: Option<&Node>) -> Vec<String> {
    let names = r.list("exported-variables", node);
    let Some(node) = node else { return names };
    for item in node.as_sequence().unwrap_or(std::slice::from_ref(node)) {
        let Some(name) = item.as_text().filter(|_| !item.is_null()) else { continue };
        if !is_variable_name(name) {
            let message = format!("'{name}' cannot be a variable and is not exported");
            let found = Diagnostic::warning("B025", item.span, message);
            r.found.push(match name.strip_prefix('$') {
                Some(bare) => found.with_help(format!("write the name alone: {}", bare.trim_matches(['{', '}']))),
                None => found,
            });
        } else if name.starts_with("AWS_") {
            r.warning("B025", item.span, format!("'{name}' begins with AWS_: CodeBuild does not export it"));
        }
    }
    names
}

fn is_variable_name(name: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !name.is_empty() && name.chars().all(word) && !name.starts_with(|c: char| c.is_ascii_digit())
}

fn check_name(r: &mut Reader, name: &str, key: &Node) {
    if !is_variable_name(name) {
        let found = Diagnostic::error("B020", key.span, format!("'{name}' is not a name that a variable can have"));
        r.found.push(found.with_help("use letters, digits and underscores, and no digit first"));
    } else if name.starts_with("CODEBUILD_") {
        r.warning("B022", key.span, format!("'{name}' begins with CODEBUILD_, which is reserved"));
    }
}
