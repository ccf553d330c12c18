//! What IAM's answers are made of.

use base::{ApiError, Scope, Tags, Timestamp};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize, Serializer};
use store::tables::{iam_policy, iam_role, iam_user};

use super::{errors, names};

/// A time as IAM answers it: in whole seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Date(Timestamp);

impl From<Timestamp> for Date {
    fn from(at: Timestamp) -> Self {
        Date(Timestamp::from_secs(at.secs()))
    }
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(s)
    }
}

/// An operation without output members.
#[derive(Debug, Default, Serialize)]
pub struct Nothing {}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Tag {
    pub key: String,
    pub value: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Boundary {
    pub permissions_boundary_type: &'static str,
    pub permissions_boundary_arn: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct User {
    pub path: String,
    pub user_name: String,
    pub user_id: String,
    pub arn: String,
    pub create_date: Date,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions_boundary: Option<Boundary>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tag>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Role {
    pub path: String,
    pub role_name: String,
    pub role_id: String,
    pub arn: String,
    pub create_date: Date,
    /// URL-encoded, as AWS answers it.
    pub assume_role_policy_document: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_session_duration: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions_boundary: Option<Boundary>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tag>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_last_used: Option<RoleLastUsed>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct RoleLastUsed {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used_date: Option<Date>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Policy {
    pub policy_name: String,
    pub policy_id: String,
    pub arn: String,
    pub path: String,
    pub default_version_id: String,
    pub attachment_count: usize,
    pub permissions_boundary_usage_count: usize,
    pub is_attachable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    pub create_date: Date,
    pub update_date: Date,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tag>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PolicyVersion {
    /// URL-encoded; absent in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
    pub version_id: String,
    pub is_default_version: bool,
    pub create_date: Date,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AttachedPolicy {
    pub policy_name: String,
    pub policy_arn: String,
}

/// What stays as it is: RFC 3986's unreserved characters.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A document as IAM answers it.
pub(crate) fn encoded(document: &str) -> String {
    utf8_percent_encode(document, ENCODED).to_string()
}

fn boundary(arn: Option<&String>) -> Option<Boundary> {
    let arn = arn?.clone();
    Some(Boundary { permissions_boundary_type: "Policy", permissions_boundary_arn: arn })
}

pub(crate) fn tag_list(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag { key: key.clone(), value: value.clone() }).collect()
}

/// Tags of a request; a key may stand once.
pub(crate) fn tag_map(tags: &[Tag]) -> Result<Tags, ApiError> {
    let mut seen = std::collections::BTreeSet::new();
    if tags.iter().any(|t| !seen.insert(t.key.to_lowercase())) {
        return Err(errors::invalid_input("Duplicate tag keys found. Please note that Tag keys are case insensitive."));
    }
    if let Some(tag) = tags.iter().find(|t| t.key.to_ascii_lowercase().starts_with("aws:")) {
        return Err(errors::invalid_input(format!("Tag keys must not begin with aws: {}", tag.key)));
    }
    Ok(tags.iter().map(|t| (t.key.clone(), t.value.clone())).collect())
}

/// Tags with others put over them.
pub(crate) fn retag(old: &Tags, add: &[Tag]) -> Result<Tags, ApiError> {
    let mut tags = old.clone();
    for (key, value) in tag_map(add)? {
        // A key that differs by case alone replaces the old one.
        tags.retain(|k, _| !k.eq_ignore_ascii_case(&key));
        tags.insert(key, value);
    }
    if tags.len() > 50 {
        return Err(errors::limit("The number of tags has reached the maximum limit."));
    }
    Ok(tags)
}

/// Tags without some keys.
pub(crate) fn untag(old: &Tags, keys: &[String]) -> Tags {
    let gone = |k: &String| keys.iter().any(|g| g.eq_ignore_ascii_case(k));
    old.iter().filter(|(k, _)| !gone(k)).map(|(k, v)| (k.clone(), v.clone())).collect()
}

impl User {
    /// Tags are part of GetUser and CreateUser, but not of lists.
    pub(crate) fn new(scope: &Scope, row: &iam_user::Row, with_tags: bool) -> Self {
        User {
            path: row.path.clone(),
            user_name: row.name.clone(),
            user_id: row.id.clone(),
            arn: names::arn(scope, "user", &row.path, &row.name),
            create_date: row.created.into(),
            permissions_boundary: boundary(row.boundary.as_ref()).filter(|_| with_tags),
            tags: if with_tags { tag_list(&row.tags) } else { Vec::new() },
        }
    }
}

impl Role {
    /// The role as CreateRole answers it: what was asked for beside the trust policy is not repeated, except for tags
    /// and boundary.
    pub(crate) fn created(scope: &Scope, row: &iam_role::Row) -> Self {
        let whole = Role::new(scope, row, true);
        Role { description: None, max_session_duration: None, role_last_used: None, ..whole }
    }

    /// Tags, boundary and last use are not part of lists.
    pub(crate) fn new(scope: &Scope, row: &iam_role::Row, whole: bool) -> Self {
        let (last_used_date, region) = row.last_used.clone().unzip();
        Role {
            path: row.path.clone(),
            role_name: row.name.clone(),
            role_id: row.id.clone(),
            arn: names::arn(scope, "role", &row.path, &row.name),
            create_date: row.created.into(),
            assume_role_policy_document: encoded(&row.trust),
            description: row.description.clone(),
            max_session_duration: Some(row.max_session_seconds),
            permissions_boundary: boundary(row.boundary.as_ref()).filter(|_| whole),
            tags: if whole { tag_list(&row.tags) } else { Vec::new() },
            role_last_used: whole.then_some(RoleLastUsed { last_used_date: last_used_date.map(Date::from), region }),
        }
    }
}

impl Policy {
    pub(crate) fn new(scope: &Scope, row: &iam_policy::Row, attachments: usize, whole: bool) -> Self {
        Policy {
            policy_name: row.name.clone(),
            policy_id: row.id.clone(),
            arn: names::arn(scope, "policy", &row.path, &row.name),
            path: row.path.clone(),
            default_version_id: format!("v{}", row.default_version),
            attachment_count: attachments,
            permissions_boundary_usage_count: 0,
            is_attachable: true,
            description: row.description.clone().filter(|_| whole),
            create_date: row.created.into(),
            update_date: row.updated.into(),
            tags: if whole { tag_list(&row.tags) } else { Vec::new() },
        }
    }
}
