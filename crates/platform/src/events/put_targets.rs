//! PutTargets: adds targets to a rule, or replaces those of the same id.
//! <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutTargets.html>
//!
//! Order: the bus and the rule; what AWS refuses in any target refuses the whole call; then targets that Headworks does not have
//! are left out, each as a failed entry with the reason; then the limit of five targets.

use base::ApiError;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::Tx;
use store::tables::events_target::{self, Row};

use super::target::{FailedEntry, Target};
use super::{errors, rule};
use crate::Cx;
use crate::transact::transact;

/// "Amazon EventBridge quotas": targets of a rule.
const MOST: usize = 5;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub rule: String,
    pub event_bus_name: Option<String>,
    /// Kept as they were given.
    pub targets: Vec<Value>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub failed_entry_count: usize,
    pub failed_entries: Vec<FailedEntry>,
}

impl Output {
    pub(super) fn of(failed_entries: Vec<FailedEntry>) -> Output {
        Output { failed_entry_count: failed_entries.len(), failed_entries }
    }
}

pub async fn put_targets(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    transact(cx, input, |tx, cx, input| {
        Box::pin(async move {
            let scope = cx.scope();
            rule::lock(tx, scope).await?;
            let rule = rule::find(tx, scope, input.event_bus_name.as_deref(), &input.rule).await?;
            let mut failed = Vec::new();
            for definition in &input.targets {
                let target: Target = serde_json::from_value(definition.clone()).map_err(ApiError::internal)?;
                target.check()?;
                if let Some(error_message) = target.unsupported(scope) {
                    failed.push(FailedEntry { target_id: target.id, error_code: "UnsupportedTarget", error_message });
                    continue;
                }
                check_role(tx, cx, &target).await?;
                let row = Row {
                    rule: rule.name.clone(),
                    id: target.id,
                    arn: target.arn,
                    definition: definition.clone(),
                    put_by: Some(cx.caller.principal.arn.clone()),
                };
                events_target::put(tx, scope, &row).await?;
            }
            if events_target::of_rule(tx, scope, &rule.name, "", 100).await?.len() > MOST {
                return Err(errors::too_many());
            }
            Ok(Output::of(failed))
        })
    })
    .await
}

/// Deviation: the role must be given and must be there, and the target is started whether its policies allow that or not, as
/// everything that pipelines do.
async fn check_role(tx: &mut Tx, cx: &Cx, target: &Target) -> Result<(), ApiError> {
    let Some(role) = target.role_arn.as_deref().filter(|role| !role.is_empty()) else {
        return Err(errors::validation(format!("RoleArn is required for target {}.", target.arn)));
    };
    super::role::check(tx, cx, role).await
}
