//! Subscribe: has a rule tell one more target.
//! <https://docs.aws.amazon.com/codestar-notifications/latest/APIReference/API_Subscribe.html>
//!
//! Deviation: the ClientRequestToken is not read. A target that the rule tells already stays as it is, so that the same request
//! may come again; one that comes again with another target subscribes that too, where AWS would refuse it.

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::codestar_notifications_rule as rules;
use store::tables::codestar_notifications_target as targets;

use super::lock::lock;
use super::target::{MAX_OF_RULE, Target, subscribe_all};
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
            lock(tx, &scope).await?;
            rules::get(tx, &scope, &id).await?.ok_or_else(|| errors::not_found(&arn))?;
            subscribe_all(tx, &scope, &id, &[target], errors::configuration).await?;
            if targets::of_rule(tx, &scope, &id).await?.len() > MAX_OF_RULE {
                let message = format!("A notification rule can have at most {MAX_OF_RULE} targets");
                return Err(errors::configuration(message));
            }
            Ok::<_, ApiError>(())
        })
    });
    subscribe.await?;
    Ok(Output { arn })
}
