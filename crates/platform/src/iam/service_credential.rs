//! What the operations on service-specific credentials share, and how git signs in with one.

use base::{AccountId, ApiError, Secret};
use serde::Serialize;
use store::tables::{iam_service_credential, iam_user};
use store::{Store, Tx};

use super::credential::Owner;
use super::shapes::Date;
use super::{errors, lookup, names};
use crate::Cx;

/// The services that have such credentials.
pub(crate) const SERVICES: &[&str] = &["codecommit.amazonaws.com"];

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ServiceSpecificCredential {
    pub create_date: Date,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiration_date: Option<Date>,
    pub service_name: String,
    pub service_user_name: String,
    /// Present when it was just made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_password: Option<Secret<String>>,
    pub service_specific_credential_id: String,
    pub user_name: String,
    pub status: String,
}

impl ServiceSpecificCredential {
    pub(crate) fn new(row: iam_service_credential::Row, user: &str, password: Option<Secret<String>>) -> Self {
        ServiceSpecificCredential {
            create_date: row.created.into(),
            expiration_date: row.expires.map(Date::from),
            service_name: row.service,
            service_user_name: row.service_user,
            service_password: password,
            service_specific_credential_id: row.id,
            user_name: user.to_owned(),
            status: row.status,
        }
    }
}

/// The credential of this id, if it is of the user that was named or that calls.
pub(crate) async fn find(
    tx: &mut Tx,
    cx: &Cx,
    user: Option<&str>,
    id: &str,
) -> Result<(iam_service_credential::Row, String), ApiError> {
    let owner = lookup::key_owner(tx, cx, user).await?;
    let row = iam_service_credential::get(tx, id).await?.filter(|r| r.owner == owner.id);
    row.map(|r| (r, owner.name)).ok_or_else(|| errors::no_service_credential(id))
}

/// Who signs in to `service` (`codecommit.amazonaws.com`) with this name and password: the account and the user.
/// `None` when name or password is wrong, or the credential is inactive or expired.
pub async fn sign_in(
    store: &Store,
    service: &str,
    service_user: &str,
    password: &str,
) -> Result<Option<(AccountId, Owner)>, store::Error> {
    let mut tx = store.read().await?;
    let Some(row) = iam_service_credential::get_by_service_user(&mut tx, service, service_user).await? else {
        return Ok(None);
    };
    let same = aws_lc_rs::constant_time::verify_slices_are_equal(
        names::sha256_hex(password).as_bytes(),
        row.password_hash.as_bytes(),
    );
    let in_time = row.expires.is_none_or(|e| store.clock().now() < e);
    if same.is_err() || row.status != "Active" || !in_time {
        return Ok(None);
    }
    let user = iam_user::get_by_id(&mut tx, &row.owner).await?;
    Ok(AccountId::parse(&row.account).zip(user.map(|u| Owner::User { id: u.id, path: u.path, name: u.name })))
}
