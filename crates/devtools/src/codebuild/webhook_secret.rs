//! What webhooks are signed with.

use base::{ApiError, Secret};
use platform::Cx;
use store::tables::codebuild_webhook::Row;

/// A random text that nobody guesses.
pub(super) fn fresh(cx: &Cx) -> String {
    format!("{}{}", cx.ids.uuid().simple(), cx.ids.uuid().simple())
}

/// Encrypts the secret of a project's webhook.
pub(super) fn seal(cx: &Cx, project: &str, secret: &str) -> Result<Vec<u8>, ApiError> {
    let scope = cx.scope();
    let identity = ["codebuild_webhook", scope.account.as_str(), scope.region.as_str(), project];
    cx.site.key.seal(&identity, secret.as_bytes())
}

/// The secret of a webhook.
pub(super) fn open(cx: &Cx, row: &Row) -> Result<Secret<Vec<u8>>, ApiError> {
    let identity = ["codebuild_webhook", row.scope.account.as_str(), row.scope.region.as_str(), &row.project];
    cx.site.key.open(&identity, &row.secret).map_err(ApiError::internal)
}
