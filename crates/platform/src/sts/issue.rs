//! Making temporary credentials.

use std::time::Duration;

use base::{ApiError, Secret, Timestamp};
use serde::Serialize;
use store::Tx;
use store::tables::{iam_role, sts_session};

use crate::Cx;
use crate::iam::names;

/// Key, secret and token, shown once.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Credentials {
    pub access_key_id: String,
    pub secret_access_key: Secret<String>,
    pub session_token: Secret<String>,
    pub expiration: Timestamp,
}

/// For whom: `role` and `session` are empty for a user or root.
pub(super) struct Holder<'a> {
    pub account: &'a str,
    pub owner: &'a str,
    pub role: &'a str,
    pub session: &'a str,
    /// For a build, or asked for by one.
    pub of_build: bool,
    /// What it may do, whatever its role may; empty when its role decides.
    pub policy: &'a str,
}

/// A session that one of our services makes for what it hands work to.
#[derive(Clone, Copy, Debug)]
pub struct ServiceSession<'a> {
    pub account: &'a str,
    pub role_arn: &'a str,
    pub session: &'a str,
    /// All that it may do, as an identity policy.
    pub policy: &'a str,
    pub seconds: u64,
}

/// Issues credentials for a session that may do what its policy says and nothing else, whatever its role may.
pub async fn issue_for_service(tx: &mut Tx, cx: &Cx, asked: ServiceSession<'_>) -> Result<Credentials, ApiError> {
    let (account, name) = names::parse_arn(asked.role_arn, "role").unwrap_or_default();
    let role = iam_role::get(tx, &account, &name).await?;
    // Roles that tests name need not exist.
    let owner = role.as_ref().map_or("service", |role| &role.id);
    let role = if name.is_empty() { "service" } else { &name };
    let (account, session, policy) = (asked.account, asked.session, asked.policy);
    let holder = Holder { account, owner, role, session, of_build: false, policy };
    issue(tx, cx, holder, asked.seconds).await
}

pub(super) async fn issue(tx: &mut Tx, cx: &Cx, holder: Holder<'_>, seconds: u64) -> Result<Credentials, ApiError> {
    let ids = cx.ids.as_ref();
    let now = cx.now();
    // AWS's expiries have whole seconds.
    let expiration = Timestamp::from_secs(now.secs()) + Duration::from_secs(seconds);
    let token = names::session_token(ids);
    let row = sts_session::Row {
        id: names::access_key_id(ids, "ASIA"),
        account: holder.account.to_owned(),
        owner: holder.owner.to_owned(),
        role: holder.role.to_owned(),
        session: holder.session.to_owned(),
        secret: names::secret_key(ids),
        token_hash: names::sha256_hex(token.expose()),
        created: now,
        expires: expiration,
        of_build: holder.of_build,
        policy: holder.policy.to_owned(),
    };
    sts_session::insert(tx, &row).await?;
    Ok(Credentials { access_key_id: row.id, secret_access_key: row.secret, session_token: token, expiration })
}
