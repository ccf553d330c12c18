//! The definition of a webhook: what it checks, and how it looks to clients.
//!
//! Deviation: the answer of PutWebhook has the secret token as `****`, as ListWebhooks has it at AWS, too; a
//! webhook that is put with `****` keeps the token that it has.

use std::net::IpAddr;

use base::{ApiError, Timestamp};
use formats::pipeline::{ActionDeclaration, JsonPath, PipelineDeclaration};
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::codepipeline_webhook::Row;

use super::secrets::is_sealed;
use super::tags::{Tag, to_tags};

/// What stands for a secret.
pub(super) const MASK: &str = "****";

/// A webhook's definition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Definition {
    pub name: String,
    pub target_pipeline: String,
    pub target_action: String,
    pub filters: Vec<Filter>,
    /// GITHUB_HMAC, IP or UNAUTHENTICATED.
    pub authentication: String,
    pub authentication_configuration: Authentication,
}

/// What a delivery proves itself with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Authentication {
    #[serde(rename = "AllowedIPRange", default, skip_serializing_if = "Option::is_none")]
    pub allowed_ip_range: Option<String>,
    #[serde(rename = "SecretToken", default, skip_serializing_if = "Option::is_none")]
    pub secret_token: Option<String>,
}

/// What a delivery's body must say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Filter {
    pub json_path: String,
    /// With `{Key}` for values of the target action's configuration. Without it any value will do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub match_equals: Option<String>,
}

/// `ListWebhookItem`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    definition: serde_json::Value,
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_triggered: Option<Timestamp>,
    arn: String,
    tags: Vec<Tag>,
}

impl Item {
    pub(super) fn of(cx: &Cx, row: &Row) -> Self {
        let (error_code, error_message) = row.error.clone().unzip();
        Item {
            definition: row.definition.clone(),
            url: format!("{}/webhooks?t={}&v=1", cx.site.endpoint, row.token),
            error_message,
            error_code,
            last_triggered: row.triggered,
            arn: arn(&row.scope, &row.name),
            tags: to_tags(&row.tags),
        }
    }
}

/// A webhook's ARN.
pub(super) fn arn(scope: &base::Scope, name: &str) -> String {
    scope.arn("codepipeline", format!("webhook:{name}")).to_string()
}

impl Definition {
    /// What needs no look at the pipeline: the authentication's members and the filters' paths.
    pub(super) fn check(&self) -> Result<(), ApiError> {
        let Authentication { allowed_ip_range, secret_token } = &self.authentication_configuration;
        let wrong = |message: String| Err(ApiError::new("InvalidWebhookAuthenticationParametersException", message));
        match (self.authentication.as_str(), allowed_ip_range, secret_token) {
            ("GITHUB_HMAC", None, Some(_)) | ("UNAUTHENTICATED", None, None) => {}
            ("IP", Some(range), None) if IpRange::parse(range).is_some() => {}
            ("IP", Some(range), None) => return wrong(format!("AllowedIPRange '{range}' is not a valid CIDR range.")),
            ("GITHUB_HMAC", ..) => {
                return wrong("For GITHUB_HMAC the property SecretToken must be set, and no other.".to_owned());
            }
            ("IP", ..) => return wrong("For IP the property AllowedIPRange must be set, and no other.".to_owned()),
            (other, ..) => return wrong(format!("For {other} no property can be set.")),
        }
        for filter in &self.filters {
            JsonPath::parse(&filter.json_path)
                .map_err(|why| bad_filter(format!("The JSON path '{}' {why}.", filter.json_path)))?;
        }
        Ok(())
    }

    /// What the pipeline must have: the action, and what the filters take from its configuration.
    pub(super) fn check_against(&self, declaration: &PipelineDeclaration) -> Result<(), ApiError> {
        let action = self.target(declaration).ok_or_else(|| {
            super::errors::validation(format!(
                "Pipeline '{}' does not have a source action with name '{}'",
                self.target_pipeline, self.target_action
            ))
        })?;
        for filter in &self.filters {
            let pattern = filter.match_equals.as_deref().unwrap_or_default();
            let has = match filter.wanted(action) {
                None | Some(Ok(_)) => continue,
                Some(Err(Unusable::Missing(key))) => format!("has no '{key}'"),
                Some(Err(Unusable::Secret(key))) => format!("keeps a secret in '{key}'"),
            };
            return Err(bad_filter(format!(
                "The configuration of action '{}' {has}, which the filter '{pattern}' names.",
                action.name
            )));
        }
        Ok(())
    }

    /// The action that deliveries start.
    pub(super) fn target<'d>(&self, declaration: &'d PipelineDeclaration) -> Option<&'d ActionDeclaration> {
        declaration.source_actions().find(|a| a.name == self.target_action)
    }
}

/// A key that a filter cannot take from the action's configuration.
enum Unusable {
    Missing(String),
    /// Whoever may deliver could find it out by trying.
    Secret(String),
}

impl Filter {
    /// The value that the body must have. `None`: any value.
    fn wanted(&self, action: &ActionDeclaration) -> Option<Result<String, Unusable>> {
        let pattern = self.match_equals.as_deref()?;
        let (mut out, mut rest) = (String::new(), pattern);
        while let Some((before, after)) = rest.split_once('{') {
            let Some((key, after)) = after.split_once('}') else { break };
            out.push_str(before);
            match action.config(key) {
                Some(value) if is_sealed(value) => return Some(Err(Unusable::Secret(key.to_owned()))),
                Some(value) => out.push_str(value),
                None => return Some(Err(Unusable::Missing(key.to_owned()))),
            }
            rest = after;
        }
        out.push_str(rest);
        Some(Ok(out))
    }

    /// Why a body does not fit; `None` when it does. Whoever delivers reads it: it says nothing of the configuration's values.
    pub(super) fn refuses(&self, body: &serde_json::Value, action: &ActionDeclaration) -> Option<String> {
        let path = &self.json_path;
        let Ok(parsed) = JsonPath::parse(path) else { return Some(format!("the path {path} cannot be read")) };
        let Some(found) = parsed.select(body) else { return Some(format!("its body has nothing at {path}")) };
        let found = match found {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        match self.wanted(action) {
            None => None,
            Some(Ok(wanted)) if wanted == found => None,
            Some(Ok(_)) => {
                let pattern = self.match_equals.as_deref().unwrap_or_default();
                Some(format!("its body has not '{pattern}' at {path}"))
            }
            Some(Err(Unusable::Missing(key))) => Some(format!("the target action has no '{key}' any more")),
            Some(Err(Unusable::Secret(key))) => Some(format!("the '{key}' of the target action is secret")),
        }
    }
}

fn bad_filter(message: String) -> ApiError {
    ApiError::new("InvalidWebhookFilterPatternException", message)
}

/// Addresses that deliveries may come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct IpRange {
    address: IpAddr,
    bits: u32,
}

impl IpRange {
    /// `192.0.2.0/24`, `2001:db8::/32`, or one address.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(bits) if bits.bytes().all(|b| b.is_ascii_digit()) => bits.parse().ok().filter(|n| *n <= most)?,
            Some(_) => return None,
            None => most,
        };
        Some(IpRange { address, bits })
    }

    pub fn holds(&self, address: IpAddr) -> bool {
        let number = |address: IpAddr| match address {
            IpAddr::V4(v4) => (u128::from(u32::from(v4)), 32),
            IpAddr::V6(v6) => (u128::from(v6), 128),
        };
        let ((ours, width), (theirs, other)) = (number(self.address), number(address.to_canonical()));
        width == other && (ours ^ theirs).checked_shr(width - self.bits).unwrap_or(0) == 0
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_range_holds_its_addresses_and_no_others() {
        let holds = |range: &str, address: &str| IpRange::parse(range).unwrap().holds(address.parse().unwrap());
        assert!(holds("192.0.2.0/24", "192.0.2.77"));
        assert!(holds("192.0.2.0/24", "::ffff:192.0.2.77"));
        assert!(!holds("192.0.2.0/24", "192.0.3.1"));
        assert!(holds("0.0.0.0/0", "8.8.8.8") && !holds("0.0.0.0/0", "2001:db8::1"));
        assert!(holds("2001:db8::/32", "2001:db8:1::1") && !holds("2001:db8::/32", "2001:db9::1"));
        assert!(holds("::/0", "2001:db9::1"));
        assert!(holds("127.0.0.1", "127.0.0.1") && !holds("127.0.0.1", "127.0.0.2"));
        for bad in ["", "1.2.3", "1.2.3.4/33", "1.2.3.4/+1", "::/129", "x/1"] {
            assert_eq!(IpRange::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_filter_takes_values_from_the_actions_configuration() {
        let action: ActionDeclaration = serde_json::from_value(json!({
            "name": "Src", "configuration": {"Branch": "main"},
            "actionTypeId": {"category": "Source", "owner": "ThirdParty", "provider": "GitHub", "version": "1"},
        }))
        .unwrap();
        let refuses = |path: &str, equals: Option<&str>, body: serde_json::Value| {
            let filter = Filter { json_path: path.to_owned(), match_equals: equals.map(str::to_owned) };
            filter.refuses(&body, &action)
        };
        let body = json!({"ref": "refs/heads/main", "n": 7, "deleted": false});
        assert_eq!(refuses("$.ref", Some("refs/heads/{Branch}"), body.clone()), None);
        assert_eq!(refuses("$.n", Some("7"), body.clone()), None);
        assert_eq!(refuses("$.deleted", Some("false"), body.clone()), None);
        assert_eq!(refuses("$.n", None, body.clone()), None);
        let why = refuses("$.ref", Some("refs/heads/{Branch}"), json!({"ref": "refs/heads/dev"})).unwrap();
        assert_eq!(why, "its body has not 'refs/heads/{Branch}' at $.ref");
        assert_eq!(refuses("$.gone", None, body.clone()).unwrap(), "its body has nothing at $.gone");
        assert_eq!(refuses("$.ref", Some("{No}"), body).unwrap(), "the target action has no 'No' any more");
    }
}
