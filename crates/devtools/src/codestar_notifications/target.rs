//! Where notices go.

use base::{ApiError, Arn, Scope};
use serde::{Deserialize, Serialize};
use store::Tx;
use store::tables::codestar_notifications_target as table;

use super::errors;

/// Targets of one rule.
pub(super) const MAX_OF_RULE: usize = 10;
/// Targets of an account in a region (Developer Tools console User Guide, "Quotas for notifications").
const MAX_OF_ACCOUNT: i64 = 1000;

/// A target as clients give it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Target {
    #[serde(default)]
    pub target_type: Option<String>,
    #[serde(default)]
    pub target_address: Option<String>,
}

/// A target as clients see it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TargetSummary {
    pub target_address: String,
    pub target_type: String,
    pub target_status: String,
}

impl Target {
    /// Its address and type, if it is one.
    pub(super) fn parse(self) -> Result<(String, String), ApiError> {
        let kind = self.target_type.unwrap_or_else(|| "SNS".to_owned());
        let address = self.target_address.ok_or_else(|| errors::invalid("A target needs a TargetAddress"))?;
        let arn = Arn::parse(&address);
        let wrong = |what: &str| errors::invalid(format!("The target address {address} is not the ARN of {what}"));
        let has = |service: &str| arn.as_ref().is_some_and(|arn| arn.service == service);
        match kind.as_str() {
            "SNS" if has("sns") => Ok((address, kind)),
            "SNS" => Err(wrong("an SNS topic")),
            "AWSChatbotSlack" | "AWSChatbotMicrosoftTeams" if has("chatbot") => Ok((address, kind)),
            "AWSChatbotSlack" | "AWSChatbotMicrosoftTeams" => Err(wrong("a chat client")),
            other => Err(errors::invalid(format!(
                "The target type {other} is not one of SNS, AWSChatbotSlack and AWSChatbotMicrosoftTeams"
            ))),
        }
    }
}

/// The targets of a request, each once.
pub(super) fn parse_all(targets: Vec<Target>) -> Result<Vec<(String, String)>, ApiError> {
    let mut all: Vec<(String, String)> = Vec::with_capacity(targets.len());
    for target in targets {
        let target = target.parse()?;
        match all.iter().find(|(address, _)| *address == target.0) {
            Some((_, kind)) if *kind != target.1 => return Err(other_kind(kind)),
            Some(_) => {}
            None => all.push(target),
        }
    }
    if all.len() > MAX_OF_RULE {
        return Err(errors::invalid(format!("A notification rule can have at most {MAX_OF_RULE} targets")));
    }
    Ok(all)
}

/// Has a rule tell all of these. `limit` makes the error of one target too many in the account.
pub(super) async fn subscribe_all(
    tx: &mut Tx,
    scope: &Scope,
    rule: &str,
    wanted: &[(String, String)],
    limit: fn(String) -> ApiError,
) -> Result<(), ApiError> {
    let mut any_is_new = false;
    for (address, kind) in wanted {
        match table::kind(tx, scope, address).await? {
            Some(known) if known != *kind => return Err(other_kind(&known)),
            Some(_) => {}
            None => any_is_new = true,
        }
        table::subscribe(tx, scope, rule, (address, kind)).await?;
    }
    if any_is_new && table::count(tx, scope).await? > MAX_OF_ACCOUNT {
        return Err(limit(format!("An account can have at most {MAX_OF_ACCOUNT} targets")));
    }
    Ok(())
}

fn other_kind(kind: &str) -> ApiError {
    errors::invalid(format!("A target with this address exists already, of the type {kind}: delete it first"))
}

impl From<table::Row> for TargetSummary {
    fn from(row: table::Row) -> Self {
        TargetSummary { target_address: row.address, target_type: row.kind, target_status: row.status }
    }
}
