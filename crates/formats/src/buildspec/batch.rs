//! The `batch` section.

use std::collections::HashSet;

use super::reader::Reader;
use super::{
    Batch, BatchEnv, BatchFanout, BatchKind, BatchMatrix, BatchTask, MAX_BATCH_BUILDS, batch_graph, env::variables,
};
use crate::Diagnostic;
use crate::yaml::{Node, Value};

const KEYS: &[&str] = &["fast-fail", "build-graph", "build-list", "build-matrix", "build-fanout"];
const GRAPH_KEYS: &[&str] = &["identifier", "buildspec", "debug-session", "depend-on", "env", "ignore-failure"];
const LIST_KEYS: &[&str] = &["identifier", "buildspec", "debug-session", "env", "ignore-failure"];
const ENV_KEYS: &[&str] = &["compute-type", "fleet", "image", "privileged-mode", "type", "variables"];
const STATIC_KEYS: &[&str] = &["debug-session", "env", "ignore-failure"];
const DYNAMIC_KEYS: &[&str] = &["buildspec", "env"];
const DYNAMIC_ENV_KEYS: &[&str] = &["compute-type", "fleet", "image", "variables"];
const FANOUT_KEYS: &[&str] = &["parallelism", "ignore-failure"];
const MAX_IDENTIFIER_LEN: usize = 127;

pub(super) fn batch(r: &mut Reader, node: &Node) -> Option<Batch> {
    if !r.is_mapping("'batch'", node) {
        return None;
    }
    r.unknown_keys("batch", node, KEYS);
    let fast_fail = r.flag("fast-fail", node.get("fast-fail"));
    let kinds: Vec<(&str, &Node)> =
        KEYS.iter().skip(1).filter_map(|key| Some((*key, node.get(key).filter(|n| !n.is_null())?))).collect();
    if let [_, (second, value), ..] = kinds.as_slice() {
        let found =
            Diagnostic::error("B060", value.span, format!("a batch is of one kind: '{second}' is one too many"));
        r.found.push(found.with_help("keep one of build-graph, build-list, build-matrix and build-fanout"));
    }
    let Some((kind, value)) = kinds.first() else {
        let found = Diagnostic::error("B060", node.span, "'batch' has no builds");
        r.found.push(found.with_help("add build-graph, build-list, build-matrix or build-fanout"));
        return None;
    };
    let kind = match *kind {
        "build-graph" => {
            let tasks = tasks(r, kind, value, GRAPH_KEYS);
            batch_graph::check(r, &tasks);
            BatchKind::Graph(tasks)
        }
        "build-list" => BatchKind::List(tasks(r, kind, value, LIST_KEYS)),
        "build-matrix" => BatchKind::Matrix(Box::new(matrix(r, value)?)),
        _ => BatchKind::Fanout(fanout(r, value)?),
    };
    let builds = match &kind {
        BatchKind::Graph(tasks) | BatchKind::List(tasks) => tasks.len(),
        BatchKind::Matrix(matrix) => matrix.size(),
        BatchKind::Fanout(fanout) => usize::try_from(fanout.parallelism).unwrap_or(usize::MAX),
    };
    if builds > MAX_BATCH_BUILDS {
        let message = format!("the batch has {builds} builds; CodeBuild allows {MAX_BATCH_BUILDS}");
        r.warning("B067", value.span, message);
    }
    Some(Batch { fast_fail, kind })
}

fn tasks(r: &mut Reader, kind: &str, node: &Node, keys: &[&str]) -> Vec<BatchTask> {
    let items = match &node.value {
        Value::Sequence(items) if items.is_empty() => {
            r.error("B060", node.span, format!("'{kind}' has no builds"));
            return Vec::new();
        }
        Value::Sequence(items) => items.as_slice(),
        // A single task stands for a list of one.
        Value::Mapping(_) => std::slice::from_ref(node),
        Value::Scalar { .. } => {
            r.error("B060", node.span, format!("'{kind}' must be a list of builds, not {}", node.kind()));
            return Vec::new();
        }
    };
    let mut seen = HashSet::new();
    let mut tasks = Vec::new();
    for (i, item) in items.iter().enumerate() {
        if !r.is_mapping(&format!("a build in '{kind}'"), item) {
            continue;
        }
        r.unknown_keys(kind, item, keys);
        let identifier = identifier(r, kind, item, i);
        if let Some(identifier) = &identifier
            && !seen.insert(identifier.clone())
        {
            let at = item.get("identifier").map_or(item.span, |n| n.span);
            r.error("B062", at, format!("the identifier '{identifier}' stands twice"));
        }
        let depends = if kind == "build-graph" { item.get("depend-on") } else { None };
        tasks.push(BatchTask {
            identifier: identifier.unwrap_or_default(),
            buildspec: r.optional("buildspec", item),
            debug_session: r.flag("debug-session", item.get("debug-session")),
            depend_on: r.list("depend-on", depends),
            env: env(r, kind, item.get("env"), ENV_KEYS),
            ignore_failure: r.flag("ignore-failure", item.get("ignore-failure")),
            span: item.span,
        });
    }
    tasks
}

fn identifier(r: &mut Reader, kind: &str, item: &Node, i: usize) -> Option<String> {
    let Some(node) = item.get("identifier").filter(|n| !n.is_null()) else {
        if kind == "build-list" {
            return Some(format!("build{i}"));
        }
        let found = Diagnostic::error("B061", item.span, "a build in 'build-graph' needs an identifier");
        r.found.push(found.with_help(format!("add 'identifier: build{i}'")));
        return None;
    };
    let text = r.text("identifier", node)?;
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if text.is_empty() || text.len() > MAX_IDENTIFIER_LEN || !text.chars().all(word) {
        // CodeBuild ends the batch with BATCH_SPEC_VALIDATION_ERROR.
        let found = Diagnostic::error("B063", node.span, format!("'{text}' cannot be the identifier of a build"));
        r.found.push(found.with_help("use letters, digits and underscores only, and fewer than 128 of them"));
    }
    Some(text)
}

fn env(r: &mut Reader, place: &str, node: Option<&Node>, keys: &[&str]) -> BatchEnv {
    let Some(node) = node.filter(|n| !n.is_null()) else { return BatchEnv::default() };
    if !r.is_mapping(&format!("'env' in {place}"), node) {
        return BatchEnv::default();
    }
    r.unknown_keys(&format!("env in {place}"), node, keys);
    let privileged = node.get("privileged-mode").filter(|n| !n.is_null());
    BatchEnv {
        compute_type: r.optional("compute-type", node),
        fleet: r.optional("fleet", node),
        image: r.optional("image", node),
        privileged_mode: privileged.map(|n| r.flag("privileged-mode", Some(n))),
        environment_type: r.optional("type", node),
        variables: variables(r, node.get("variables")),
    }
}

fn matrix(r: &mut Reader, node: &Node) -> Option<BatchMatrix> {
    if !r.is_mapping("'build-matrix'", node) {
        return None;
    }
    r.unknown_keys("build-matrix", node, &["static", "dynamic"]);
    let mut matrix = BatchMatrix::default();
    if let Some(fixed) = node.get("static").filter(|n| !n.is_null())
        && r.is_mapping("'static' in build-matrix", fixed)
    {
        r.unknown_keys("static", fixed, STATIC_KEYS);
        matrix.ignore_failure = r.flag("ignore-failure", fixed.get("ignore-failure"));
        matrix.debug_session = r.flag("debug-session", fixed.get("debug-session"));
        matrix.env = env(r, "static", fixed.get("env"), ENV_KEYS);
    }
    let Some(dynamic) = node.get("dynamic").filter(|n| !n.is_null()) else {
        let found = Diagnostic::error("B064", node.span, "'build-matrix' has no 'dynamic' part, so it has no builds");
        r.found.push(found.with_help("add 'dynamic:' with 'env:' and lists of images or variables' values"));
        return None;
    };
    if !r.is_mapping("'dynamic' in build-matrix", dynamic) {
        return None;
    }
    r.unknown_keys("dynamic", dynamic, DYNAMIC_KEYS);
    matrix.buildspecs = r.list("buildspec", dynamic.get("buildspec"));
    if let Some(env) = dynamic.get("env").filter(|n| !n.is_null())
        && r.is_mapping("'env' in dynamic", env)
    {
        r.unknown_keys("env in dynamic", env, DYNAMIC_ENV_KEYS);
        matrix.compute_types = r.list("compute-type", env.get("compute-type"));
        matrix.images = r.list("image", env.get("image"));
        matrix.fleets = r.list("fleet", env.get("fleet"));
        for (name, _, values) in r.entries("variables", env.get("variables")) {
            let values = r.list(name, Some(values));
            matrix.variables.push((name.to_owned(), values));
        }
    }
    Some(matrix)
}

fn fanout(r: &mut Reader, node: &Node) -> Option<BatchFanout> {
    if !r.is_mapping("'build-fanout'", node) {
        return None;
    }
    r.unknown_keys("build-fanout", node, FANOUT_KEYS);
    let ignore_failure = r.flag("ignore-failure", node.get("ignore-failure"));
    let given = node.get("parallelism").filter(|n| !n.is_null());
    match given.and_then(Node::as_text).and_then(|text| text.trim().parse().ok()).filter(|n| *n > 0) {
        Some(parallelism) => Some(BatchFanout { parallelism, ignore_failure }),
        None => {
            let at = given.map_or(node.span, |n| n.span);
            let found = Diagnostic::error("B066", at, "'parallelism' must be a whole number above zero");
            r.found.push(found.with_help("write 'parallelism: 5' for five builds that share the tests"));
            None
        }
    }
}
