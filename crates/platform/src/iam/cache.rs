//! Credentials by access key id, from memory where possible: every request asks for one.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use base::{AccountId, Timestamp};
use store::tables::{iam_access_key, iam_user, sts_session};
use store::{Store, Tx};

use super::credential::{Credential, Owner, SessionPart};

/// How long an entry is believed. Changes made by this process are seen at once; this bounds how long a change
/// made by another server on the same database goes unseen.
const FRESH_FOR: Duration = Duration::from_secs(5);
/// More entries than this are never kept.
const MAX_ENTRIES: usize = 20_000;

/// The credentials that were asked for lately.
#[derive(Debug, Default)]
pub struct CredentialCache {
    entries: RwLock<HashMap<String, Entry>>,
    /// Counts the changes, so that what was read before a change is not kept after it.
    changes: AtomicU64,
}

#[derive(Clone, Debug)]
struct Entry {
    credential: Arc<Credential>,
    read_at: Timestamp,
}

impl CredentialCache {
    /// What `access_key` stands for; `None` when there is no such key.
    pub async fn find(&self, store: &Store, access_key: &str) -> Result<Option<Arc<Credential>>, store::Error> {
        let now = store.clock().now();
        let known = self.entries.read().unwrap_or_else(PoisonError::into_inner).get(access_key).cloned();
        if let Some(entry) = &known
            && now.since(entry.read_at) < FRESH_FOR
        {
            return Ok(Some(entry.credential.clone()));
        }
        let before = self.changes.load(Ordering::SeqCst);
        let mut tx = store.read().await?;
        let found = load(&mut tx, access_key).await?.map(Arc::new);
        if let (Some(credential), Some(entry)) = (&found, &known) {
            credential.use_noted.fetch_max(entry.credential.use_noted.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        if self.changes.load(Ordering::SeqCst) == before {
            if entries.len() >= MAX_ENTRIES {
                entries.clear();
            }
            match &found {
                Some(credential) => {
                    entries.insert(access_key.to_owned(), Entry { credential: credential.clone(), read_at: now });
                }
                None => {
                    entries.remove(access_key);
                }
            }
        }
        Ok(found)
    }

    /// Forgets everything; called after each commit that changed a key or its owner.
    pub fn forget(&self) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        self.changes.fetch_add(1, Ordering::SeqCst);
        entries.clear();
    }
}

/// Writes down that a key was used. Call it when [`Credential::use_is_news`] says so, beside the request.
pub async fn note_use(
    store: &Store,
    access_key: &str,
    service: &str,
    region: &str,
    at: Timestamp,
) -> Result<(), store::Error> {
    let last = iam_access_key::LastUse { at, service: service.to_owned(), region: region.to_owned() };
    let access_key = access_key.to_owned();
    store
        .write(move |tx| {
            let (access_key, last) = (access_key.clone(), last.clone());
            Box::pin(async move { iam_access_key::set_last_use(tx, &access_key, &last).await })
        })
        .await
}

async fn load(tx: &mut Tx, access_key: &str) -> Result<Option<Credential>, store::Error> {
    if let Some(key) = iam_access_key::get(tx, access_key).await? {
        let noted = key.last_used.map_or(0, |l| l.at.micros());
        let session = None;
        let active = key.status == "Active";
        let owner = user_or_root(tx, &key.account, &key.owner).await?;
        let part = (key.id, key.secret, key.account);
        return Ok(owner.and_then(|owner| credential(part, owner, active, session, noted)));
    }
    let Some(row) = sts_session::get(tx, access_key).await? else { return Ok(None) };
    let session = Some(SessionPart { token_hash: row.token_hash, expires: row.expires });
    let owner = if row.role.is_empty() {
        user_or_root(tx, &row.account, &row.owner).await?
    } else {
        Some(Owner::RoleSession { role_id: row.owner, role: row.role, session: row.session })
    };
    let part = (row.id, row.secret, row.account);
    Ok(owner.and_then(|owner| credential(part, owner, true, session, 0)))
}

async fn user_or_root(tx: &mut Tx, account: &str, owner: &str) -> Result<Option<Owner>, store::Error> {
    if owner == account {
        return Ok(Some(Owner::Root));
    }
    let user = iam_user::get_by_id(tx, owner).await?;
    Ok(user.map(|u| Owner::User { id: u.id, path: u.path, name: u.name }))
}

fn credential(
    (access_key, secret, account): (String, base::Secret<String>, String),
    owner: Owner,
    active: bool,
    session: Option<SessionPart>,
    noted: i64,
) -> Option<Credential> {
    let account = AccountId::parse(&account)?;
    Some(Credential { access_key, secret, account, owner, active, session, use_noted: AtomicI64::new(noted) })
}
