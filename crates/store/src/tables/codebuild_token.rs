//! Idempotency tokens of StartBuild and RetryBuild.

use base::{Scope, Timestamp};

use crate::{Error, Tx, args};

/// What a token was used for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// A digest of the request.
    pub request: String,
    /// The build that it started.
    pub build: String,
    pub created: Timestamp,
}

/// The use of a token since `since`.
pub async fn get(tx: &mut Tx, scope: &Scope, token: &str, since: Timestamp) -> Result<Option<Row>, Error> {
    let sql = "SELECT request, build, created FROM codebuild_token
               WHERE account = $1 AND region = $2 AND token = $3 AND created >= $4";
    let row = tx.fetch_optional(sql, args![scope.account.as_str(), scope.region.as_str(), token, since]).await?;
    row.map(|r| Ok(Row { request: r.text(0)?, build: r.text(1)?, created: r.time(2)? })).transpose()
}

/// Notes the use of a token; an older use is forgotten.
pub async fn put(tx: &mut Tx, scope: &Scope, token: &str, request: &str, build: &str) -> Result<(), Error> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO codebuild_token (account, region, token, request, build, created) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (account, region, token) DO UPDATE SET request = $4, build = $5, created = $6",
        args![scope.account.as_str(), scope.region.as_str(), token, request, build, now],
    )
    .await?;
    Ok(())
}
