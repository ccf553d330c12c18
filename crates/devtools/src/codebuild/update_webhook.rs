//! UpdateWebhook: members that are given replace those of the webhook; `rotateSecret` makes a new secret, which is
//! answered once.

use base::ApiError;
use engine::webhook::Filter;
use platform::Cx;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::tables::codebuild_webhook;

use super::errors;
use super::project::name_of;
use super::webhook::{PullRequestBuildPolicy, Webhook, view};
use super::webhook_secret::{fresh, seal};

/// The request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub project_name: String,
    pub branch_filter: Option<String>,
    pub rotate_secret: Option<bool>,
    pub filter_groups: Option<Vec<Vec<Filter>>>,
    pub build_type: Option<String>,
    pub pull_request_build_policy: Option<PullRequestBuildPolicy>,
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
pub struct Output {
    pub webhook: Value,
}

/// Changes a webhook.
pub async fn update_webhook(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let name = name_of(cx.scope(), &input.project_name).to_owned();
    let secret = (input.rotate_secret == Some(true)).then(|| fresh(cx));
    let sealed = secret.as_ref().map(|secret| seal(cx, &name, secret)).transpose()?;
    let inner = cx.clone();
    let row = cx
        .store
        .write(move |tx| {
            let (cx, input, name, sealed) = (inner.clone(), input.clone(), name.clone(), sealed.clone());
            Box::pin(async move {
                let row = codebuild_webhook::of_project(tx, cx.scope(), &name).await?;
                let mut row = row.ok_or_else(|| errors::webhook_not_found(&name))?;
                let mut webhook = Webhook::of(&row)?;
                if let Some(groups) = input.filter_groups {
                    // The two ways to filter replace one another.
                    webhook.filter_groups = groups;
                    webhook.branch_filter = None;
                }
                if let Some(branch) = input.branch_filter.filter(|branch| !branch.is_empty()) {
                    webhook.branch_filter = Some(branch);
                    webhook.filter_groups.clear();
                }
                if let Some(build_type) = input.build_type {
                    webhook.build_type = build_type;
                }
                if input.pull_request_build_policy.is_some() {
                    webhook.pull_request_build_policy = input.pull_request_build_policy;
                }
                webhook.check()?;
                row.config = webhook.to_json()?;
                if let Some(sealed) = sealed {
                    row.secret = sealed;
                    row.secret_changed = cx.now();
                }
                codebuild_webhook::put(tx, &row).await?;
                Ok::<_, ApiError>(row)
            })
        })
        .await?;
    let mut shown = view(cx, &row)?;
    if let Some(secret) = secret {
        shown["secret"] = json!(secret);
    }
    Ok(Output { webhook: shown })
}
