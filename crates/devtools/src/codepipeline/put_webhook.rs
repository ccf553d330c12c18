//! PutWebhook: makes a URL that starts a pipeline, or changes what it checks. The URL stays until the webhook is deleted.
//! <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_PutWebhook.html>

use base::{ApiError, Scope};
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::codepipeline_webhook::{self, Row};

use super::tags::{Tag, to_map};
use super::webhook::{Authentication, Definition, Item, MASK};
use super::{errors, load};

/// Webhooks in an account and region ("Quotas in AWS CodePipeline").
const MAX_WEBHOOKS: i64 = 300;

#[derive(Clone, Debug, Deserialize)]
pub struct Input {
    pub webhook: Definition,
    #[serde(default)]
    pub tags: Option<Vec<Tag>>,
}

#[derive(Debug, Serialize)]
pub struct Output {
    pub webhook: Item,
}

/// Creates or changes a webhook.
pub async fn put_webhook(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let Input { webhook: mut definition, tags } = input;
    definition.check()?;
    let tags = tags.map(to_map).transpose()?;
    let given = definition.authentication_configuration.secret_token.take();
    let hidden = Authentication {
        secret_token: given.as_ref().map(|_| MASK.to_owned()),
        ..definition.authentication_configuration
    };
    definition.authentication_configuration = hidden;
    let kept = given.as_deref() == Some(MASK);
    let secret = match given.filter(|_| !kept) {
        Some(text) => Some(cx.site.key.seal(&identity(cx.scope(), &definition.name), text.as_bytes())?),
        None => None,
    };
    let token = format!("{}{}", cx.ids.uuid().simple(), cx.ids.uuid().simple());
    let scope = cx.scope().clone();
    let row = cx.store.write(move |tx| {
        let (scope, definition, tags) = (scope.clone(), definition.clone(), tags.clone());
        let (secret, token) = (secret.clone(), token.clone());
        Box::pin(async move {
            // Of two that make one name the second keeps the first one's URL.
            tx.lock(&format!("codepipeline-webhooks:{}:{}", scope.account, scope.region)).await?;
            let pipeline = load::pipeline(tx, &scope, &definition.target_pipeline).await?;
            definition.check_against(&*load::declaration(tx, &scope, &pipeline, None).await?)?;
            let old = codepipeline_webhook::get(tx, &scope, &definition.name).await?;
            if old.is_none() && codepipeline_webhook::count(tx, &scope).await? >= MAX_WEBHOOKS {
                return Err(ApiError::new(
                    "LimitExceededException",
                    format!("Account '{}' has reached the limit of {MAX_WEBHOOKS} webhooks", scope.account),
                ));
            }
            let mut row = Row {
                definition: serde_json::to_value(&definition).map_err(ApiError::internal)?,
                name: definition.name,
                token,
                secret,
                tags: tags.clone().unwrap_or_default(),
                triggered: None,
                error: None,
                scope,
            };
            if let Some(old) = old {
                row = Row {
                    token: old.token,
                    secret: if kept { old.secret } else { row.secret },
                    tags: tags.unwrap_or(old.tags),
                    triggered: old.triggered,
                    error: old.error,
                    ..row
                };
            }
            if kept && row.secret.is_none() {
                return Err(errors::validation(format!("The webhook '{}' has no SecretToken to keep", row.name)));
            }
            codepipeline_webhook::put(tx, &row).await?;
            Ok(row)
        })
    });
    Ok(Output { webhook: Item::of(cx, &row.await?) })
}

/// What a webhook's secret is sealed for.
pub(super) fn identity<'a>(scope: &'a Scope, name: &'a str) -> [&'a str; 4] {
    ["codepipeline_webhook", scope.account.as_str(), scope.region.as_str(), name]
}
