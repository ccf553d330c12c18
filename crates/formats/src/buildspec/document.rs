//! The document as a whole: its version and its sections.

use super::reader::Reader;
use super::{Buildspec, Proxy, Version, artifacts, batch, cache, env, phases, reports};
use crate::yaml::Node;
use crate::{Diagnostic, Span, yaml};

const TOP_LEVEL: &[&str] = &["version", "run-as", "env", "proxy", "batch", "phases", "reports", "artifacts", "cache"];

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

fn document(r: &mut Reader, root: &Node) -> Option<Buildspec> {
    let Some(entries) = root.as_mapping() else {
        let message = format!("a buildspec is a mapping with 'version' and 'phases', not {}", root.kind());
        r.error("B001", root.span, message);
        return None;
    };
    let version = version(r, root);
    for (key, _) in entries {
        let name = key.as_text().unwrap_or_default();
        let legacy = version != Some(Version::V02) && name == "environment_variables";
        if !TOP_LEVEL.contains(&name) && !legacy {
            let known = TOP_LEVEL.iter().copied();
            let message = format!("key '{name}' is not known and has no effect");
            r.found.push(Diagnostic::warning("B003", key.span, message).with_nearest(name, known));
        }
    }
    // The rest is read even without a version: one look at the list of findings should be enough.
    let (env, phases) = match version.unwrap_or(Version::V02) {
        Version::V02 => (env::env(r, root.get("env")), phases::phases(r, root)),
        Version::V01 => (env::legacy(r, root.get("environment_variables"), root.get("env")), phases::phases(r, root)),
    };
    let run_as = r.user(root.get("run-as"));
    let proxy = proxy(r, root.get("proxy"));
    let batch = root.get("batch").filter(|n| !n.is_null()).and_then(|n| batch::batch(r, n));
    let reports = reports::reports(r, root.get("reports"));
    let artifacts = root.get("artifacts").filter(|n| !n.is_null()).and_then(|n| artifacts::artifacts(r, n));
    let cache = root.get("cache").filter(|n| !n.is_null()).and_then(|n| cache::cache(r, n));
    Some(Buildspec { version: version?, run_as, env, proxy, batch, phases, reports, artifacts, cache })
}

fn version(r: &mut Reader, root: &Node) -> Option<Version> {
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

fn proxy(r: &mut Reader, node: Option<&Node>) -> Proxy {
    let Some(node) = node.filter(|n| !n.is_null()) else { return Proxy::default() };
    if !r.is_mapping("'proxy'", node) {
        return Proxy::default();
    }
    r.unknown_keys("proxy", node, &["upload-artifacts", "logs"]);
    Proxy {
        upload_artifacts: r.flag("upload-artifacts", node.get("upload-artifacts")),
        logs: r.flag("logs", node.get("logs")),
    }
}
