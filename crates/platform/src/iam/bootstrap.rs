//! How an installation gets its first account and root key, and further accounts later.

use base::{AccountId, ApiError, Ids, Secret};
use store::tables::{iam_access_key, iam_account, sts_session};
use store::{Store, Tx};

use super::names;

/// A root key, as its file keeps it.
#[derive(Clone, Debug)]
pub struct RootKey {
    pub access_key: String,
    pub secret: Secret<String>,
}

/// A fresh root key; write it to its file before [`bootstrap_root`] makes it valid.
pub fn new_root_key(ids: &dyn Ids) -> RootKey {
    RootKey { access_key: names::access_key_id(ids, "AKIA"), secret: names::secret_key(ids) }
}

/// Makes sure that `account` exists and that `key` signs for its root. Doing it at every start is right: a key
/// that is there already is left as it is.
pub async fn bootstrap_root(store: &Store, account: &AccountId, key: &RootKey) -> Result<(), ApiError> {
    let (account, key) = (account.clone(), key.clone());
    store
        .write(move |tx| {
            let (account, key) = (account.clone(), key.clone());
            Box::pin(async move {
                add_account(tx, &account, "root").await?;
                if iam_access_key::get(tx, &key.access_key).await?.is_none() {
                    add_root_key(tx, &account, &key).await?;
                }
                Ok(())
            })
        })
        .await
}

/// Makes a further account with a root key of its own. For the installation's operator alone: no operation of any
/// service calls it.
pub async fn create_account(
    store: &Store,
    ids: &dyn Ids,
    account: &AccountId,
    name: &str,
) -> Result<RootKey, ApiError> {
    let key = new_root_key(ids);
    let (account, name, fresh) = (account.clone(), name.to_owned(), key.clone());
    store
        .write(move |tx| {
            let (account, name, key) = (account.clone(), name.clone(), fresh.clone());
            Box::pin(async move {
                if !add_account(tx, &account, &name).await? {
                    return Err(ApiError::new("EntityAlreadyExists", format!("Account {account} exists already.")));
                }
                add_root_key(tx, &account, &key).await
            })
        })
        .await?;
    Ok(key)
}

async fn add_account(tx: &mut Tx, account: &AccountId, name: &str) -> Result<bool, ApiError> {
    let row = iam_account::Row { id: account.to_string(), name: name.to_owned(), created: tx.now() };
    Ok(iam_account::insert(tx, &row).await?)
}

async fn add_root_key(tx: &mut Tx, account: &AccountId, key: &RootKey) -> Result<(), ApiError> {
    let row = iam_access_key::Row {
        id: key.access_key.clone(),
        account: account.to_string(),
        owner: account.to_string(),
        secret: key.secret.clone(),
        status: "Active".to_owned(),
        created: tx.now(),
        last_used: None,
    };
    Ok(iam_access_key::insert(tx, &row).await?)
}

/// Removes temporary credentials that ended more than a day ago. Until then they answer `ExpiredToken` instead of
/// being unknown. The driver calls it with its other sweeps.
pub async fn sweep_sessions(store: &Store) -> Result<u64, store::Error> {
    store
        .write(|tx| {
            Box::pin(async move {
                let before = tx.now() - std::time::Duration::from_secs(86_400);
                sts_session::delete_expired(tx, before).await
            })
        })
        .await
}
