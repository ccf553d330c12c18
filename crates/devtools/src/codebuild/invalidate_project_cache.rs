//! InvalidateProjectCache: the next builds find no cache. Archives in S3 stay where they are and are not read again; those
//! on this server go.
//! Follows <https://docs.aws.amazon.com/codebuild/latest/APIReference/API_InvalidateProjectCache.html>.

use std::io;
use std::path::PathBuf;

use base::{ApiError, Scope};
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::codebuild_cache;

use super::errors;
use super::project::{find, name_of, parse};

/// The request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub project_name: String,
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
pub struct Output {}

/// Makes a project's cache count no more.
pub async fn invalidate_project_cache(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let (scope, name) = (cx.scope().clone(), name_of(cx.scope(), &input.project_name).to_owned());
    let missing = errors::project_not_found(&cx.arn("codebuild", format!("project/{name}")));
    let namespace = cx
        .store
        .write(move |tx| {
            let (scope, name, missing) = (scope.clone(), name.clone(), missing.clone());
            Box::pin(async move {
                let row = find(tx, &scope, &name).await?.ok_or(missing)?;
                let namespace = parse(&row)?.cache.cache_namespace.filter(|n| !n.is_empty()).unwrap_or(name);
                codebuild_cache::invalidate(tx, &scope, &namespace).await?;
                Ok::<_, ApiError>(namespace)
            })
        })
        .await?;
    remove(cx, &namespace).await;
    Ok(Output {})
}

/// Removes what this server keeps of a cache. Whatever is left is of an older generation and is not read.
pub(super) async fn remove(cx: &Cx, namespace: &str) {
    match tokio::fs::remove_dir_all(cache_folder(cx, cx.scope(), namespace)).await {
        Err(e) if e.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(error = %e, cache.namespace = namespace, "a cache that counts no more could not be removed");
        }
        _ => {}
    }
}

/// Where archives of local caches are kept.
pub fn cache_folder(cx: &Cx, scope: &Scope, namespace: &str) -> PathBuf {
    let name = base::derived_hex::<32>(&["codebuild-cache", scope.account.as_str(), scope.region.as_str(), namespace]);
    cx.site.data_dir.join("caches").join(name)
}
