//! Names of parameters, and what requests write for them.

use base::{ApiError, Arn, Scope};

use super::errors;

/// A hierarchy has at most this many levels.
const MAX_LEVELS: usize = 15;

/// What a request calls a parameter: a name or an ARN, and maybe one version of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reference {
    /// The names that it may mean, the likelier first: an ARN does not tell `a` from `/a`.
    pub names: Vec<String>,
    pub selector: Option<Selector>,
}

/// Which version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Selector {
    Version(i64),
    Label(String),
}

impl Selector {
    /// As answers show it.
    pub(super) fn text(&self) -> String {
        match self {
            Selector::Version(version) => format!(":{version}"),
            Selector::Label(label) => format!(":{label}"),
        }
    }
}

/// Reads `name`, `name:3`, `name:label` or the same with an ARN. Names of other accounts and regions are nowhere here.
pub(super) fn reference(scope: &Scope, text: &str) -> Reference {
    let arn = Arn::parse(text).filter(|arn| arn.service == "ssm");
    let (names, selector) = match &arn {
        Some(arn) => {
            let here = arn.account == scope.account.as_str() && arn.region == scope.region.as_str();
            let resource = arn.resource.strip_prefix("parameter/").filter(|_| here).unwrap_or_default();
            let (name, selector) = split(resource);
            let names = match name {
                "" => Vec::new(),
                name => vec![format!("/{name}"), name.to_owned()],
            };
            (names, selector)
        }
        None => {
            let (name, selector) = split(text);
            (vec![name.to_owned()], selector)
        }
    };
    let selector = selector.map(|s| match s.parse() {
        Ok(version) => Selector::Version(version),
        Err(_) => Selector::Label(s.to_owned()),
    });
    Reference { names, selector }
}

fn split(text: &str) -> (&str, Option<&str>) {
    text.split_once(':').map_or((text, None), |(name, selector)| (name, Some(selector)))
}

/// The ARN of a parameter.
pub(super) fn arn(scope: &Scope, name: &str) -> String {
    let slash = if name.starts_with('/') { "" } else { "/" };
    scope.arn("ssm", format!("parameter{slash}{name}")).to_string()
}

/// Checks the name of a parameter that is to be made.
pub(super) fn check_new(scope: &Scope, name: &str) -> Result<(), ApiError> {
    let first = name.trim_start_matches('/').split('/').next().unwrap_or_default().to_ascii_lowercase();
    if first.starts_with("aws") {
        return Err(ApiError::new("AccessDeniedException", format!("No access to reserved parameter name: {name}.")));
    }
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/');
    if first.starts_with("ssm") || name.is_empty() || !name.chars().all(legal) {
        let text = "Parameter name: can't be prefixed with \"ssm\" (case-insensitive). If formed as a path, it can \
                    consist of sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, \
                    numbers and the following 3 symbols .-_";
        return Err(errors::validation(text));
    }
    if name.contains('/') && !name.starts_with('/') {
        return Err(errors::validation("Parameter name must be a fully qualified name."));
    }
    if name.ends_with('/') || name.contains("//") {
        return Err(errors::validation("Parameter name must not end with a slash or have an empty level."));
    }
    if name.split('/').filter(|level| !level.is_empty()).count() > MAX_LEVELS {
        let text = format!("A hierarchy can have a maximum of {MAX_LEVELS} levels. Parameter: {name}");
        return Err(ApiError::new("HierarchyLevelLimitExceededException", text));
    }
    if arn(scope, name).len() > 1011 {
        return Err(errors::validation("Parameter name is too long: its ARN can have at most 1011 characters."));
    }
    Ok(())
}

/// Checks a path that parameters are listed under.
pub(super) fn check_path(path: &str) -> Result<(), ApiError> {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/');
    if path.starts_with('/') && path.chars().all(legal) && !path.contains("//") {
        return Ok(());
    }
    Err(errors::validation(
        "The parameter doesn't meet the parameter name requirements. The parameter name must begin with a forward \
         slash \"/\". It can't be prefixed with \"aws\" or \"ssm\" (case-insensitive). It must use only letters, \
         numbers, or the following symbols: . (period), - (hyphen), _ (underscore). Special characters are not \
         allowed. All sub-paths, if specified, must use the forward slash symbol \"/\". Valid example: \
         /get/parameters2-/by1./path0_.",
    ))
}

/// Whether `name` lies under `path`: at any depth, or as its direct child.
pub(super) fn is_under(name: &str, path: &str, recursive: bool) -> bool {
    let path = path.trim_end_matches('/');
    let rest = match name.strip_prefix('/') {
        // Names without a slash stand at the root.
        None => Some(name).filter(|_| path.is_empty()),
        Some(_) => name.strip_prefix(path).and_then(|rest| rest.strip_prefix('/')),
    };
    rest.is_some_and(|rest| !rest.is_empty() && (recursive || !rest.contains('/')))
}

#[cfg(test)]
mod tests {
    use base::{AccountId, Region};

    use super::*;

    fn scope() -> Scope {
        Scope { account: AccountId::parse("123456789012").unwrap(), region: Region::parse("eu-central-1").unwrap() }
    }

    #[test]
    fn references_are_names_or_arns_with_or_without_a_selector() {
        let of = |text: &str| reference(&scope(), text);
        assert_eq!(of("/a/b"), Reference { names: vec!["/a/b".to_owned()], selector: None });
        assert_eq!(of("/a/b:3").selector, Some(Selector::Version(3)));
        assert_eq!(of("a:prod").selector, Some(Selector::Label("prod".to_owned())));
        let arn = of("arn:aws:ssm:eu-central-1:123456789012:parameter/a/b:7");
        assert_eq!(arn.names, ["/a/b", "a/b"]);
        assert_eq!(arn.selector, Some(Selector::Version(7)));
        assert!(of("arn:aws:ssm:us-east-1:123456789012:parameter/a").names.is_empty());
        assert!(of("arn:aws:ssm:eu-central-1:999999999999:parameter/a").names.is_empty());
    }

    #[test]
    fn names_that_aws_refuses_are_refused() {
        let code = |name: &str| check_new(&scope(), name).map_err(|e| e.code);
        assert_eq!(code("/a/b.c-d_e"), Ok(()));
        assert_eq!(code("AWS-x"), Err("AccessDeniedException"));
        assert_eq!(code("/aws/x"), Err("AccessDeniedException"));
        for bad in ["ssm-x", "/ssm/x", "a/b", "a b", "a:b", "/a/", "/a//b", "ä"] {
            assert_eq!(code(bad), Err("ValidationException"), "{bad}");
        }
        assert_eq!(code(&"/l".repeat(15)), Ok(()));
        assert_eq!(code(&"/l".repeat(16)), Err("HierarchyLevelLimitExceededException"));
    }

    #[test]
    fn a_path_has_its_children_and_with_recursion_their_children() {
        assert!(is_under("/a/b", "/a", false) && is_under("/a/b", "/a/", false));
        assert!(!is_under("/a/b/c", "/a", false) && is_under("/a/b/c", "/a", true));
        assert!(!is_under("/ab/c", "/a", true) && !is_under("/a", "/a", true));
        assert!(is_under("x", "/", false) && is_under("/x", "/", false) && !is_under("x", "/a", true));
    }
}
