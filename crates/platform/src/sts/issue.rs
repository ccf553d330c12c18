//! Making temporary credentials.

use std::time::Duration;

use base::{ApiError, Secret, Timestamp};
use serde::Serialize;
use store::Tx;
use store::tables::sts_session;

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
    };
    sts_session::insert(tx, &row).await?;
    Ok(Credentials { access_key_id: row.id, secret_access_key: row.secret, session_token: token, expiration })
}
