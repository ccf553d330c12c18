//! A repository behind a connection.

use base::ApiError;
use platform::Cx;
use store::tables::{codeconnections_connection, codeconnections_host};

use super::arn::Resource;
use super::{ConnectionProvider, errors, login};
use crate::codebuild::SourceLogin;

/// Where a repository is, and what is shown to get it.
#[derive(Debug)]
pub struct RemoteRepository {
    pub provider: ConnectionProvider,
    /// What `git clone` takes.
    pub url: String,
    /// None when none is wanted.
    pub login: Option<SourceLogin>,
}

/// The repository `full_id` (`owner/name`) of a connection. A client's error is in words for the user.
pub async fn remote_repository(cx: &Cx, connection: &str, full_id: &str) -> Result<RemoteRepository, ApiError> {
    let id = Resource::connection(cx.scope(), connection)?;
    let (row, host) = {
        let mut tx = cx.store.read().await?;
        let row = codeconnections_connection::get(&mut tx, cx.scope(), &id).await?;
        let row = row.ok_or_else(|| errors::not_found(connection))?;
        let host = match &row.host {
            Some(arn) => {
                let host = codeconnections_host::get(&mut tx, cx.scope(), &Resource::host(cx.scope(), arn)?).await?;
                Some(host.ok_or_else(|| errors::not_found(arn))?)
            }
            None => None,
        };
        (row, host)
    };
    let provider = ConnectionProvider::parse(&row.provider)
        .ok_or_else(|| ApiError::internal(format!("a connection of the unknown provider {}", row.provider)))?;
    if !is_repository(full_id) {
        return Err(errors::invalid(format!("'{full_id}' is not a repository's full id (owner/name)")));
    }
    let endpoint = match &host {
        Some(host) => host.endpoint.as_str(),
        None => provider.public_endpoint().ok_or_else(|| errors::invalid("the connection names no host"))?,
    };
    let login = login::login(cx, provider, &row.tags).await?;
    Ok(RemoteRepository { provider, url: format!("{}/{full_id}.git", endpoint.trim_end_matches('/')), login })
}

/// Plain names with slashes between them; GitLab has groups in groups.
fn is_repository(full_id: &str) -> bool {
    let plain = |name: &str| {
        !name.is_empty()
            && name != "."
            && name != ".."
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'~'))
    };
    full_id.contains('/') && full_id.split('/').all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_id_has_plain_names_only() {
        for good in ["owner/name", "group/sub/name", "a.b/c-d_e"] {
            assert!(is_repository(good), "{good}");
        }
        for bad in ["", "name", "/name", "a//b", "a/..", "../a", "a/b?x", "a/b c", "a/b@c:d", "a/b#c"] {
            assert!(!is_repository(bad), "{bad}");
        }
    }
}
