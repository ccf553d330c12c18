//! One writer at a time.

use base::Scope;
use store::Tx;

/// Lets one transaction alone change rules and targets of an account in a region: what it reads stays true until it writes.
/// To be called before anything is read.
pub(super) async fn lock(tx: &mut Tx, scope: &Scope) -> Result<(), store::Error> {
    tx.lock(&format!("codestar-notifications:{}:{}", scope.account, scope.region)).await
}
