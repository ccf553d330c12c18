//! A webhook as it is stored and shown.

use base::ApiError;
use engine::webhook::{Filter, Filters, lint};
use platform::Cx;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::tables::codebuild_webhook::Row;

use super::errors::{invalid, unsupported};

/// The stored part of `Webhook`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Webhook {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch_filter: Option<String>,
    pub filter_groups: Vec<Vec<Filter>>,
    pub build_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pull_request_build_policy: Option<PullRequestBuildPolicy>,
}

/// `PullRequestBuildPolicy`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PullRequestBuildPolicy {
    pub requires_comment_approval: String,
    pub approver_roles: Vec<String>,
}

impl PullRequestBuildPolicy {
    /// Whether the build of a pull request needs an approving comment.
    pub(super) fn wants_approval(policy: Option<&Self>, is_fork: bool) -> bool {
        match policy.map(|policy| policy.requires_comment_approval.as_str()) {
            Some("DISABLED") => false,
            Some("ALL_PULL_REQUESTS") => true,
            // Without a policy strangers' code does not run unseen.
            Some(_) | None => is_fork,
        }
    }

    /// Whether somebody with these roles may approve.
    pub(super) fn lets_approve(policy: Option<&Self>, roles: &[&'static str]) -> bool {
        const DEFAULT: &[&str] = &["GITHUB_WRITE", "GITHUB_MAINTAIN", "GITHUB_ADMIN"];
        match policy.filter(|policy| !policy.approver_roles.is_empty()) {
            Some(policy) => policy.approver_roles.iter().any(|role| roles.contains(&role.as_str())),
            None => DEFAULT.iter().any(|role| roles.contains(role)),
        }
    }
}

impl Webhook {
    /// Checks a whole webhook.
    pub fn check(&self) -> Result<(), ApiError> {
        if self.build_type == "RUNNER_BUILDKITE_BUILD" {
            return Err(unsupported("buildType RUNNER_BUILDKITE_BUILD"));
        }
        if self.filter_groups.iter().flatten().any(Filter::asks_for_runner) {
            // A runner takes its commands from GitHub; the project's buildspec is not what it is to run.
            let what = format!("EVENT {} (a runner of GitHub Actions)", Filter::RUNNER_EVENT);
            return Err(unsupported(&what));
        }
        if let Err(errors) = Filters::new(&self.filter_groups) {
            let all: Vec<String> = errors.iter().map(ToString::to_string).collect();
            return Err(invalid(format!("Invalid filter groups: {}", all.join("; "))));
        }
        if let Some(branch) = &self.branch_filter {
            if !self.filter_groups.is_empty() {
                return Err(invalid("Invalid webhook: branchFilter and filterGroups exclude one another"));
            }
            branch_groups(branch).map_err(|e| invalid(format!("Invalid branchFilter: {e}")))?;
        }
        Ok(())
    }

    /// The filters that count.
    pub fn filters(&self) -> Result<Filters, ApiError> {
        match self.branch_filter.as_deref().filter(|branch| !branch.is_empty()) {
            Some(branch) => branch_groups(branch).map_err(ApiError::internal),
            None => Filters::new(&self.filter_groups).map_err(|errors| ApiError::internal(format!("{errors:?}"))),
        }
    }

    /// The row's webhook.
    pub fn of(row: &Row) -> Result<Webhook, ApiError> {
        serde_json::from_value(row.config.clone()).map_err(ApiError::internal)
    }

    /// As JSON for the store.
    pub fn to_json(&self) -> Result<Value, ApiError> {
        serde_json::to_value(self).map_err(ApiError::internal)
    }
}

/// `branchFilter` looks at the branch that was pushed, or that a pull request goes to.
fn branch_groups(branch: &str) -> Result<Filters, String> {
    let anchored = branch.trim_start_matches('^').trim_end_matches('$');
    let begins = if branch.starts_with('^') { "" } else { ".*" };
    let ends = if branch.ends_with('$') { "$" } else { "" };
    let pattern = format!("^refs/heads/{begins}(?:{anchored}){ends}");
    let groups = json!([
        [{ "type": "EVENT", "pattern": "PUSH" }, { "type": "HEAD_REF", "pattern": pattern }],
        [
            { "type": "EVENT", "pattern": "PULL_REQUEST_CREATED, PULL_REQUEST_UPDATED, PULL_REQUEST_REOPENED" },
            { "type": "BASE_REF", "pattern": pattern },
        ],
    ]);
    let groups: Vec<Vec<Filter>> = serde_json::from_value(groups).map_err(|e| e.to_string())?;
    Filters::new(&groups).map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
}

/// `Webhook` of the API, without its secret.
pub(super) fn view(cx: &Cx, row: &Row) -> Result<Value, ApiError> {
    let webhook = Webhook::of(row)?;
    let url = format!("{}/webhooks?t={}&v=1", cx.site.endpoint, row.token);
    let mut shown = row.config.clone();
    shown["url"] = json!(url);
    shown["payloadUrl"] = json!(url);
    // Nobody but the git server's administrator can add it there.
    shown["manualCreation"] = json!(true);
    shown["lastModifiedSecret"] = json!(row.secret_changed);
    shown["status"] = json!("ACTIVE");
    let findings = lint(&webhook.filter_groups);
    if !findings.is_empty() {
        shown["statusMessage"] = json!(findings.join("; "));
    }
    Ok(shown)
}
