//! How many notices of approvals there were.

use base::Scope;

use super::codestar_notifications_target::Told;
use crate::{Error, Tx, args};

/// Counts one.
pub async fn note(tx: &mut Tx, scope: &Scope, is_sent: bool) -> Result<(), Error> {
    let sql = "INSERT INTO approval_notice (account, region, sent, unsent) VALUES ($1, $2, $3, $4)
               ON CONFLICT (account, region) DO UPDATE
               SET sent = approval_notice.sent + excluded.sent, unsent = approval_notice.unsent + excluded.unsent";
    let (sent, unsent) = (i64::from(is_sent), i64::from(!is_sent));
    tx.execute(sql, args![scope.account.as_str(), scope.region.as_str(), sent, unsent]).await.map(|_| ())
}

/// For metrics: over all accounts.
pub async fn told(tx: &mut Tx) -> Result<Told, Error> {
    let sql = "SELECT CAST(COALESCE(SUM(sent), 0) AS BIGINT), CAST(COALESCE(SUM(unsent), 0) AS BIGINT)
               FROM approval_notice";
    let row = tx.fetch_optional(sql, &[]).await?;
    row.map_or(Ok(Told::default()), |row| Ok(Told { sent: row.int(0)?, unsent: row.int(1)? }))
}
