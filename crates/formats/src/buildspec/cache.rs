//! The `cache` section.

use super::reader::Reader;
use super::{Cache, CacheAction};
use crate::Diagnostic;
use crate::yaml::Node;

const KEYS: &[&str] = &["paths", "key", "fallback-keys", "action"];

pub(super) fn cache(r: &mut Reader, node: &Node) -> Option<Cache> {
    if !r.is_mapping("'cache'", node) {
        return None;
    }
    r.unknown_keys("cache", node, KEYS);
    let paths = r.list("paths", node.get("paths"));
    if paths.is_empty() {
        let found = Diagnostic::warning("B050", node.span, "'cache' has no 'paths', so nothing is kept");
        r.found.push(found.with_help("add 'paths:' with patterns, '/root/.m2/**/*' say"));
    }
    let key = r.optional("key", node);
    let mut fallback_keys = r.list("fallback-keys", node.get("fallback-keys"));
    if let Some(keys) = node.get("fallback-keys").filter(|_| !fallback_keys.is_empty()) {
        if key.is_none() {
            r.warning("B052", keys.span, "'fallback-keys' has no effect without 'key'");
            fallback_keys.clear();
        } else if fallback_keys.len() > Cache::MAX_FALLBACK_KEYS {
            let message = format!("only the first {} fallback keys are looked at", Cache::MAX_FALLBACK_KEYS);
            r.warning("B052", keys.span, message);
            fallback_keys.truncate(Cache::MAX_FALLBACK_KEYS);
        }
    }
    let action = node.get("action").filter(|n| !n.is_null()).and_then(|n| action(r, n)).unwrap_or_default();
    Some(Cache { paths, key, fallback_keys, action })
}

fn action(r: &mut Reader, node: &Node) -> Option<CacheAction> {
    let text = r.text("action", node)?;
    match text.trim().to_ascii_lowercase().as_str() {
        "restore" => Some(CacheAction::Restore),
        "save" => Some(CacheAction::Save),
        _ => {
            let message = format!("the cache's action must be restore or save, not '{text}'");
            let found = Diagnostic::error("B051", node.span, message);
            r.found.push(found.with_help("leave 'action' out for both"));
            None
        }
    }
}
