//! CreateWebhook: makes the URL and the secret with which a git server starts builds of a project. The hook itself is
//! added at the git server, as with `manualCreation`.
//! Follows <https://docs.aws.amazon.com/codebuild/latest/APIReference/API_CreateWebhook.html>.
//!
//! Deviation: the git server is not called: `payloadUrl` and `secret` are always answered, for its settings.

use base::ApiError;
use engine::webhook::{Filter, Format};
use platform::Cx;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use store::tables::codebuild_webhook::{self, Row};

use super::project::{find, name_of, parse};
use super::webhook::{PullRequestBuildPolicy, Webhook, view};
use super::webhook_secret::{fresh, seal};
use super::{check, errors};

/// Members of the model that are refused when they ask for something.
const UNSUPPORTED: &[&str] = &["scopeConfiguration"];

/// The request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub project_name: String,
    pub branch_filter: Option<String>,
    pub filter_groups: Option<Vec<Vec<Filter>>>,
    pub build_type: Option<String>,
    pub pull_request_build_policy: Option<PullRequestBuildPolicy>,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
pub struct Output {
    pub webhook: Value,
}

/// Creates a webhook.
pub async fn create_webhook(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    check::unsupported_members(&input.rest, UNSUPPORTED)?;
    let webhook = Webhook {
        branch_filter: input.branch_filter.filter(|branch| !branch.is_empty()),
        filter_groups: input.filter_groups.unwrap_or_default(),
        build_type: input.build_type.unwrap_or_else(|| "BUILD".to_owned()),
        pull_request_build_policy: input.pull_request_build_policy,
    };
    webhook.check()?;
    let name = name_of(cx.scope(), &input.project_name).to_owned();
    let secret = fresh(cx);
    let row = Row {
        scope: cx.scope().clone(),
        secret: seal(cx, &name, &secret)?,
        project: name,
        token: fresh(cx),
        config: webhook.to_json()?,
        secret_changed: cx.now(),
    };
    let (inner, stored) = (cx.clone(), row.clone());
    cx.store
        .write(move |tx| {
            let (cx, row) = (inner.clone(), stored.clone());
            Box::pin(async move {
                let arn = cx.arn("codebuild", format!("project/{}", row.project));
                let project = find(tx, cx.scope(), &row.project).await?;
                let project = parse(&project.ok_or_else(|| errors::project_not_found(&arn))?)?;
                if Format::of(project.source.kind()).is_none() {
                    let kind = project.source.kind();
                    return Err(errors::invalid(format!("Invalid project source: {kind} has no webhooks")));
                }
                if codebuild_webhook::of_project(tx, cx.scope(), &row.project).await?.is_some() {
                    return Err(errors::exists(format!("Webhook already exists for project {}", row.project)));
                }
                Ok(codebuild_webhook::put(tx, &row).await?)
            })
        })
        .await?;
    let mut shown = view(cx, &row)?;
    shown["secret"] = json!(secret);
    Ok(Output { webhook: shown })
}
