//! Members of a project that are kept and shown, and change nothing here.

use serde_json::Value;

use super::Request;

/// What of `request` has no effect, in words for its log. Values that AWS's clients send by default ask for nothing.
pub(super) fn lines(request: &Request) -> Vec<String> {
    let mut lines = Vec::new();
    let given = |pointer: &str| request.echo.pointer(pointer).filter(|v| asks(v));
    let mut sources = vec![("source".to_owned(), request.echo.get("source"))];
    sources.extend(listed(request, "secondarySources", "sourceIdentifier"));
    for (name, source) in sources {
        let member = |member: &str| source.and_then(|s| s.get(member)).filter(|v| asks(v));
        let kind = source.and_then(|s| s.get("type")).and_then(Value::as_str).unwrap_or_default();
        let is_remote = matches!(kind, "BITBUCKET" | "GITHUB" | "GITHUB_ENTERPRISE" | "GITLAB" | "GITLAB_SELF_MANAGED");
        if let Some(depth) = member("gitCloneDepth").filter(|_| !is_remote && kind != "CODECOMMIT") {
            lines.push(format!("{name}: gitCloneDepth {depth} has no effect: this source has no history"));
        }
        if member("insecureSsl").is_some() && !is_remote {
            lines.push(format!("{name}: insecureSsl has no effect: the source is fetched without a connection"));
        }
        if member("auth").is_some() && !is_remote {
            lines.push(format!("{name}: auth has no effect: sources of this type need none"));
        }
        if member("buildStatusConfig").is_some() {
            lines.push(format!("{name}: buildStatusConfig has no effect: no status is reported to this source"));
        }
    }
    // Deviation: there is one kernel, whatever a project or StartBuild asks for.
    if let Some(kernel) = given("/environment/hostKernel").and_then(Value::as_str) {
        lines.push(format!("environment.hostKernel {kernel} has no effect: the build runs on this machine's kernel"));
    }
    let mut artifacts = vec![("artifacts".to_owned(), request.echo.get("artifacts"))];
    artifacts.extend(listed(request, "secondaryArtifacts", "artifactIdentifier"));
    for (name, artifact) in artifacts {
        let access = artifact.and_then(|a| a.get("bucketOwnerAccess")).and_then(Value::as_str);
        if let Some(access) = access.filter(|a| *a != "NONE") {
            lines.push(format!("{name}: bucketOwnerAccess {access} has no effect: a bucket's owner sees all of it"));
        }
    }
    lines
}

/// The members of a list with their names.
fn listed<'r>(request: &'r Request, list: &str, identifier: &str) -> Vec<(String, Option<&'r Value>)> {
    let items = request.echo.get(list).and_then(Value::as_array);
    let name = |item: &Value| item.get(identifier).and_then(Value::as_str).unwrap_or(list).to_owned();
    items.into_iter().flatten().map(|item| (name(item), Some(item))).collect()
}

/// Not null, false, 0 or empty.
fn asks(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Bool(true) => true,
        Value::Number(n) => n.as_f64().is_some_and(|n| n > 0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => members.values().any(asks),
    }
}
