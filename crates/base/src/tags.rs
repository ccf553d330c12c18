//! Tags of resources.

/// Tags of a resource, in key order.
pub type Tags = std::collections::BTreeMap<String, String>;
