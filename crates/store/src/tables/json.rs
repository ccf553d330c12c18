//! Columns that hold JSON.

/// Tags as a column holds them.
pub(crate) fn json(tags: &base::Tags) -> String {
    serde_json::Value::from_iter(tags.iter().map(|(k, v)| (k.clone(), v.clone()))).to_string()
}

/// A list of texts as a column holds it.
pub(crate) fn json_list(items: &[String]) -> String {
    serde_json::Value::from_iter(items.iter().cloned()).to_string()
}
