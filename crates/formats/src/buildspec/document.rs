//! The document as a whole: its version and its sections.

use super::reader::Reader;
use super::{Buildspec, Version, artifacts, env, phases};
use crate::{Diagnostic, Span, yaml};

const TOP_LEVEL: &[&str] =
    &["version", "run-as", "env", "proxy", "batch", "phases", "reports", "artifacts", "cache", "mutual-exclusion"];

/// Reads a buildspec. The second part holds all findings, in the order of the file; the first is there when none of
/// them is an error.
pub fn read(text: &str) -> (Option<Buildspec>, Vec<Diagnostic>) {
    let (root, warnings) = match yaml::parse(text) {
        Ok(parsed) => parsed,
        Err(errors) => return (None, errors),
    };
    let mut reader = Reader::default();
    for warning in warnings {
        reader.found.push(warning);
    }
    let spec = document(&mut reader, &root);
    let failed = reader.found.has_errors();
    (spec.filter(|_| !failed), reader.found.into_sorted())
}

fn document(r: &mut Reader, root: &yaml::Node) -> Option<Buildspec> {
    let Some(entries) = root.as_mapping() else {
        let message = format!("a buildspec is a mapping with 'version' and 'phases', not {}", root.kind());
        r.error("B001", root.span, message);
        return None;
    };
    let version = version(r, root)?;
    for (key, _) in entries {
        let name = key.as_text().unwrap_or_default();
        let legacy = version == Version::V01 && name == "environment_variables";
        if !TOP_LEVEL.contains(&name) && !legacy {
            let known = TOP_LEVEL.iter().copied();
            let message = format!("key '{name}' is not known and has no effect");
            r.found.push(Diagnostic::warning("B003", key.span, message).with_nearest(name, known));
        }
    }
    for key in ["proxy", "batch", "cache", "reports"] {
        if let Some(value) = root.get(key).filter(|v| !v.is_null()) {
            r.warning("B004", value.span, format!("section '{key}' is not built yet and has no effect"));
        }
    }
    let env = match version {
        Version::V02 => env::env(r, root.get("env")),
        Version::V01 => env::legacy(r, root.get("environment_variables"), root.get("env")),
    };
    let phases = match root.get("phases") {
        Some(node) => phases::phases(r, node),
        None => {
            r.error("B010", root.span, "section 'phases' is missing");
            Vec::new()
        }
    };
    let run_as = root.get("run-as").and_then(|n| r.text("run-as", n));
    let artifacts = root.get("artifacts").filter(|n| !n.is_null()).and_then(|n| artifacts::artifacts(r, n));
    Some(Buildspec { version, run_as, env, phases, artifacts })
}

fn version(r: &mut Reader, root: &yaml::Node) -> Option<Version> {
    let Some(node) = root.get("version") else {
        r.found.push(Diagnostic::error("B002", Span::START, "'version' is missing").with_help("add 'version: 0.2'"));
        return None;
    };
    match node.as_text().and_then(|t| t.trim().parse::<f64>().ok()) {
        Some(0.2) => Some(Version::V02),
        Some(0.1) => Some(Version::V01),
        _ => {
            let message = format!("version '{}' is not known", node.as_text().unwrap_or(node.kind()));
            r.found.push(Diagnostic::error("B002", node.span, message).with_help("use 0.2"));
            None
        }
    }
}
