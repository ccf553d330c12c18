//! Subscribe: has a rule tell one more target.
//! <https://docs.aws.amazon.com/codestar-notifications/latest/APIReference/API_Subscribe.html>
//!
//! A target that the rule tells already stays as it is, so that the token (which comes with the same request again) is not
//! needed.

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::codestar_notifications_rule as rules;
use store::tables::codestar_notifications_target as targets;

use super::target::{MAX_OF_ACCOUNT, MAX_OF_RULE, Target};
use super::{arn, errors};

/// The request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub arn: String,
    pub target: Target,
}

/// The answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub arn: String,
}

/// Subscribes a target to a rule.
pub async fn subscribe(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let (scope, arn) = (cx.scope().clone(), input.arn);
    let id = arn::rule(&scope, &arn)?;
    let target = input.target.parse()?;
    let named = arn.clone();
    let subscribe = cx.store.write(move |tx| {
        let (scope, id, arn, target) = (scope.clone(), id.clone(), named.clone(), target.clone());
        Box::pin(async move {
            rules::get(tx, &scope, &id).await?.ok_or_else(|| errors::not_found(&arn))?;
            targets::subscribe(tx, &scope, &id, (&target.0, &target.1)).await?;
            if targets::of_rule(tx, &scope, &id).await?.len() > MAX_OF_RULE {
                let message = format!("A notification rule can have at most {MAX_OF_RULE} targets");
                return Err(errors::configuration(message));
            }
            if targets::count(tx, &scope).await? > MAX_OF_ACCOUNT {
                let message = format!("An account can have at most {MAX_OF_ACCOUNT} targets");
                return Err(errors::configuration(message));
            }
            Ok::<_, ApiError>(())
        })
    });
    subscribe.await?;
    Ok(Output { arn })
}
