//! Reads and checks a document.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::document::PrincipalPattern;
use super::{
    Actions, Condition, Document, Effect, Operator, PolicyError, Principals, Quantifier, Resources, Statement,
};

/// Where a document is used, which decides what its statements must and must not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Attached to a user or role: no principal, resources required.
    Identity,
    /// A role's trust policy: principals required, no resources, only `sts:` actions.
    Trust,
    /// Attached to a resource: principals required.
    Resource,
}

/// Parses `text` and refuses what AWS refuses.
pub fn parse(text: &str, kind: Kind) -> Result<Document, PolicyError> {
    let value: Value = serde_json::from_str(text).map_err(|e| PolicyError::Json { reason: e.to_string() })?;
    let Value::Object(root) = value else {
        return Err(syntax("the document must be a JSON object"));
    };
    if let Some(key) = root.keys().find(|k| !matches!(k.as_str(), "Version" | "Id" | "Statement")) {
        return Err(syntax(format!("'{key}' is not an element of a policy")));
    }
    let version = match root.get("Version") {
        None => "2008-10-17".to_owned(),
        Some(Value::String(v)) if v == "2012-10-17" || v == "2008-10-17" => v.clone(),
        Some(_) => return Err(PolicyError::Version),
    };
    let id = optional_text(&root, "Id")?;
    let statements = match root.get("Statement") {
        None => return Err(syntax("'Statement' is missing")),
        Some(Value::Array(list)) if list.is_empty() => return Err(syntax("'Statement' is empty")),
        Some(Value::Array(list)) => list.iter().map(|s| statement(s, kind)).collect::<Result<Vec<_>, _>>()?,
        Some(one) => vec![statement(one, kind)?],
    };
    let mut sids = BTreeSet::new();
    if statements.iter().filter_map(|s| s.sid.as_deref()).any(|sid| !sids.insert(sid)) {
        return Err(PolicyError::DuplicateSid);
    }
    Ok(Document { version, id, statements })
}

fn syntax(reason: impl Into<String>) -> PolicyError {
    PolicyError::Syntax { reason: reason.into() }
}

fn statement(value: &Value, kind: Kind) -> Result<Statement, PolicyError> {
    const ELEMENTS: [&str; 9] =
        ["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];
    let Value::Object(map) = value else {
        return Err(syntax("a statement must be a JSON object"));
    };
    if let Some(key) = map.keys().find(|k| !ELEMENTS.contains(&k.as_str())) {
        return Err(syntax(format!("'{key}' is not an element of a statement")));
    }
    let sid = optional_text(map, "Sid")?.filter(|s| !s.is_empty());
    // Only identity and trust policies restrict the letters of a Sid; resource policies may hold spaces.
    if kind != Kind::Resource && sid.iter().any(|s| !s.bytes().all(|b| b.is_ascii_alphanumeric())) {
        return Err(PolicyError::InvalidSid);
    }
    let effect = match map.get("Effect") {
        None => return Err(PolicyError::MissingField { field: "Effect" }),
        Some(Value::String(e)) if e == "Allow" => Effect::Allow,
        Some(Value::String(e)) if e == "Deny" => Effect::Deny,
        Some(Value::String(e)) => return Err(PolicyError::InvalidEffect { effect: e.clone() }),
        Some(_) => return Err(syntax("'Effect' must be a string")),
    };
    Ok(Statement {
        sid,
        effect,
        principals: principals(map, kind)?,
        actions: actions(map, kind)?,
        resources: resources(map, kind)?,
        conditions: conditions(map.get("Condition"))?,
    })
}

fn optional_text(map: &Map<String, Value>, key: &'static str) -> Result<Option<String>, PolicyError> {
    match map.get(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(syntax(format!("'{key}' must be a string"))),
    }
}

fn one_of<'a>(
    map: &'a Map<String, Value>,
    key: &'static str,
    not_key: &'static str,
) -> Result<Option<(bool, &'a Value)>, PolicyError> {
    match (map.get(key), map.get(not_key)) {
        (Some(_), Some(_)) => Err(syntax(format!("a statement has either '{key}' or '{not_key}'"))),
        (Some(value), None) => Ok(Some((false, value))),
        (None, Some(value)) => Ok(Some((true, value))),
        (None, None) => Ok(None),
    }
}

fn texts(value: &Value, of: &str) -> Result<Vec<String>, PolicyError> {
    let wrong = || syntax(format!("'{of}' must be a string or a list of strings"));
    match value {
        Value::String(text) => Ok(vec![text.clone()]),
        Value::Array(list) => list.iter().map(|v| v.as_str().map(str::to_owned).ok_or_else(wrong)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Err(wrong()),
    }
}

fn actions(map: &Map<String, Value>, kind: Kind) -> Result<Actions, PolicyError> {
    let Some((not, value)) = one_of(map, "Action", "NotAction")? else {
        return Err(match kind {
            Kind::Trust => PolicyError::MissingField { field: "Action" },
            Kind::Identity | Kind::Resource => PolicyError::NoActions,
        });
    };
    let list = texts(value, "Action")?;
    if list.is_empty() {
        return Err(PolicyError::NoActions);
    }
    for action in &list {
        let Some((vendor, name)) = action.split_once(':') else {
            if action == "*" && kind != Kind::Trust {
                continue;
            }
            return Err(if kind == Kind::Trust { PolicyError::NotAssumeRole } else { PolicyError::NoVendor });
        };
        if vendor.is_empty() || name.is_empty() || vendor.contains([' ', '/']) {
            return Err(PolicyError::NoVendor);
        }
        if kind == Kind::Trust && !vendor.eq_ignore_ascii_case("sts") {
            return Err(PolicyError::NotAssumeRole);
        }
    }
    Ok(if not { Actions::Except(list) } else { Actions::Only(list) })
}

fn resources(map: &Map<String, Value>, kind: Kind) -> Result<Option<Resources>, PolicyError> {
    let Some((not, value)) = one_of(map, "Resource", "NotResource")? else {
        return if kind == Kind::Identity { Err(PolicyError::NoResources) } else { Ok(None) };
    };
    if kind == Kind::Trust {
        return Err(PolicyError::ProhibitedField { field: "Resource" });
    }
    let list = texts(value, "Resource")?;
    if list.is_empty() {
        return Err(PolicyError::NoResources);
    }
    // A leading wildcard or variable may stand for `arn:`.
    let fits = |r: &str| r.starts_with("arn:") || r.starts_with('*') || r.starts_with("${");
    if let Some(resource) = list.iter().find(|r| !fits(r)) {
        return Err(PolicyError::ResourceNotArn { resource: resource.clone() });
    }
    Ok(Some(if not { Resources::Except(list) } else { Resources::Only(list) }))
}

fn principals(map: &Map<String, Value>, kind: Kind) -> Result<Option<Principals>, PolicyError> {
    let Some((not, value)) = one_of(map, "Principal", "NotPrincipal")? else {
        return match kind {
            Kind::Identity => Ok(None),
            Kind::Trust | Kind::Resource => Err(PolicyError::MissingField { field: "Principal" }),
        };
    };
    if kind == Kind::Identity {
        return Err(PolicyError::PrincipalInIdentityPolicy);
    }
    let mut out = Vec::new();
    match value {
        Value::String(text) if text == "*" => out.push(PrincipalPattern::Anyone),
        Value::Object(kinds) => {
            for (kind, value) in kinds {
                for text in texts(value, "Principal")? {
                    out.push(principal(kind, text)?);
                }
            }
        }
        _ => return Err(syntax("'Principal' must be \"*\" or an object")),
    }
    if out.is_empty() {
        return Err(PolicyError::MissingField { field: "Principal" });
    }
    Ok(Some(if not { Principals::Except(out) } else { Principals::Only(out) }))
}

fn principal(kind: &str, value: String) -> Result<PrincipalPattern, PolicyError> {
    let refused = |value: String| PolicyError::InvalidPrincipal { kind: kind.to_owned(), value };
    match kind {
        "AWS" => aws_principal(&value).ok_or_else(|| refused(value)),
        "Service" if value.contains('.') && !value.contains(['*', ' ', '/']) => Ok(PrincipalPattern::Service(value)),
        "Federated" if !value.is_empty() => Ok(PrincipalPattern::Federated(value)),
        "CanonicalUser" if !value.is_empty() => Ok(PrincipalPattern::CanonicalUser(value)),
        _ => Err(refused(value)),
    }
}

fn aws_principal(value: &str) -> Option<PrincipalPattern> {
    if value == "*" {
        return Some(PrincipalPattern::Anyone);
    }
    if base::AccountId::parse(value).is_some() {
        return Some(PrincipalPattern::Account(value.to_owned()));
    }
    if (value.starts_with("AIDA") || value.starts_with("AROA")) && value.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Some(PrincipalPattern::Id(value.to_owned()));
    }
    let arn = base::Arn::parse(value)?;
    base::AccountId::parse(&arn.account)?;
    match arn.service.as_str() {
        "iam" if arn.resource == "root" => Some(PrincipalPattern::Account(arn.account)),
        "iam" if arn.resource.starts_with("user/") || arn.resource.starts_with("role/") => {
            // AWS knows no wildcards inside a principal's ARN.
            (!value.contains('*')).then(|| PrincipalPattern::Arn(value.to_owned()))
        }
        "sts" => (!value.contains('*')).then(|| PrincipalPattern::Arn(value.to_owned())),
        _ => None,
    }
}

fn conditions(value: Option<&Value>) -> Result<Vec<Condition>, PolicyError> {
    let operators = match value {
        None => return Ok(Vec::new()),
        Some(Value::Object(operators)) => operators,
        Some(_) => return Err(syntax("'Condition' must be an object")),
    };
    let mut out = Vec::new();
    for (name, keys) in operators {
        let (quantifier, rest) = match name.split_once(':') {
            Some(("ForAllValues", rest)) => (Quantifier::All, rest),
            Some(("ForAnyValue", rest)) => (Quantifier::Any, rest),
            _ => (Quantifier::Single, name.as_str()),
        };
        let (if_exists, rest) = rest.strip_suffix("IfExists").map_or((false, rest), |r| (true, r));
        let operator = Operator::parse(rest).ok_or_else(|| PolicyError::InvalidCondition { operator: name.clone() })?;
        let Value::Object(keys) = keys else {
            return Err(syntax(format!("'{name}' must be an object")));
        };
        for (key, values) in keys {
            if !key.contains(':') {
                return Err(PolicyError::NoVendor);
            }
            let values = condition_values(values)?;
            out.push(Condition { operator, quantifier, if_exists, key: key.to_ascii_lowercase(), values });
        }
    }
    Ok(out)
}

fn condition_values(value: &Value) -> Result<Vec<String>, PolicyError> {
    let scalar = |v: &Value| match v {
        Value::String(s) => Ok(s.clone()),
        Value::Bool(b) => Ok(b.to_string()),
        Value::Number(n) => Ok(n.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => Err(syntax("a condition's value must be a string")),
    };
    match value {
        Value::Array(list) => list.iter().map(scalar).collect(),
        one => Ok(vec![scalar(one)?]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRUST: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow",
        "Principal":{"Service":"codebuild.amazonaws.com","AWS":["123456789012","arn:aws:iam::123456789012:user/a/b"]},
        "Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"x"}}}}"#;

    fn refused(text: &str, kind: Kind) -> String {
        parse(text, kind).map(|d| format!("{d:?}")).unwrap_err().to_string()
    }

    #[test]
    fn a_trust_policy_is_read_whole() {
        let document = parse(TRUST, Kind::Trust).unwrap();
        let statement = document.statements.first().unwrap();
        let Some(Principals::Only(principals)) = &statement.principals else { panic!("{statement:?}") };
        assert_eq!(principals.len(), 3);
        assert!(principals.contains(&PrincipalPattern::Account("123456789012".into())));
        assert!(principals.contains(&PrincipalPattern::Service("codebuild.amazonaws.com".into())));
        assert_eq!(statement.conditions.first().map(|c| c.key.as_str()), Some("sts:externalid"));
    }

    #[test]
    fn broken_json_is_named_with_its_place() {
        assert!(refused("{\"Version\": \"2012-10-17\",\n  oops", Kind::Identity).contains("line 2 column 3"));
    }

    #[test]
    fn the_refusals_have_the_words_of_aws() {
        let identity = |s: &str| refused(&format!(r#"{{"Version":"2012-10-17","Statement":[{s}]}}"#), Kind::Identity);
        assert_eq!(
            identity(r#"{"Effect":"Allow","Action":"s3GetObject","Resource":"*"}"#),
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
        );
        assert_eq!(
            identity(r#"{"Effect":"Allow","Action":"s3:GetObject"}"#),
            "Policy statement must contain resources."
        );
        assert_eq!(
            identity(r#"{"Effect":"Allow","Action":"s3:*","Resource":"bucket"}"#),
            "Resource bucket must be in ARN format or \"*\"."
        );
        assert_eq!(
            identity(r#"{"Effect":"Allow","Action":"s3:*","Resource":"*","Principal":"*"}"#),
            "Policy document should not specify a principal."
        );
        let twice = r#"{"Sid":"A","Effect":"Allow","Action":"s3:*","Resource":"*"}"#;
        assert_eq!(identity(&format!("{twice},{twice}")), "Statement IDs (SID) in a single policy must be unique.");
        assert_eq!(
            refused(r#"{"Version":"2020-01-01","Statement":[]}"#, Kind::Trust),
            PolicyError::Version.to_string()
        );
    }

    #[test]
    fn a_trust_policy_speaks_of_sts_alone_and_names_no_resource() {
        let base = r#""Effect":"Allow","Principal":{"AWS":"123456789012"}"#;
        let trust = |rest: &str| refused(&format!(r#"{{"Statement":[{{{base},{rest}}}]}}"#), Kind::Trust);
        assert_eq!(trust(r#""Action":"s3:Get""#), "AssumeRole policy may only specify STS AssumeRole actions.");
        assert_eq!(trust(r#""Action":"sts:AssumeRole","Resource":"*""#), "Has prohibited field Resource");
        let bad = r#"{"Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"nobody"}}]}"#;
        assert_eq!(refused(bad, Kind::Trust), "Invalid principal in policy: \"AWS\":\"nobody\"");
    }
}
