//! Buckets as all operations look at them: valid names, existence, ownership.

use base::ApiError;
use store::Tx;
use store::tables::s3_bucket::{self, Row};

use super::errors;
use crate::Cx;

/// Whether new objects get version ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Versioning {
    /// Never asked for.
    Off,
    Enabled,
    /// New objects replace the version `null`; older ones stay.
    Suspended,
}

pub(super) fn versioning(bucket: &Row) -> Versioning {
    match bucket.versioning.as_str() {
        "Enabled" => Versioning::Enabled,
        "Suspended" => Versioning::Suspended,
        _ => Versioning::Off,
    }
}

/// How long the caller needs the bucket to stay as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum For {
    Reading,
    /// The bucket cannot be deleted or changed before the transaction ends.
    Writing,
    /// Nobody else writes into the bucket before the transaction ends.
    Changing,
}

/// The bucket, if it exists and the caller may use it.
///
/// Deviation: a bucket is reached through every region's address; AWS redirects to the bucket's own. Policies that
/// open a bucket to other accounts are not evaluated: only the owner's account has access.
pub(super) async fn load(
    tx: &mut Tx,
    cx: &Cx,
    name: &str,
    expected_owner: Option<&str>,
    purpose: For,
) -> Result<Row, ApiError> {
    let row = match purpose {
        For::Reading => s3_bucket::get(tx, name).await?,
        For::Writing => s3_bucket::get_shared(tx, name).await?,
        For::Changing => s3_bucket::get_exclusive(tx, name).await?,
    };
    let row = row.ok_or_else(|| errors::no_such_bucket(name))?;
    let owner = row.scope.account.as_str();
    if owner != cx.scope().account.as_str() || expected_owner.is_some_and(|e| e != owner) {
        return Err(errors::access_denied());
    }
    Ok(row)
}

/// The rules of "General purpose bucket naming rules".
pub(super) fn check_name(name: &str) -> Result<(), ApiError> {
    let bytes = name.as_bytes();
    let edge = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let ok = (3..=63).contains(&bytes.len())
        && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.'))
        && edge(bytes.first())
        && edge(bytes.last())
        && !name.contains("..")
        && name.parse::<std::net::Ipv4Addr>().is_err()
        && !["xn--", "sthree-", "amzn-s3-demo-"].iter().any(|p| name.starts_with(p))
        && !["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"].iter().any(|s| name.ends_with(s));
    if ok {
        return Ok(());
    }
    let error = ApiError::new("InvalidBucketName", "The specified bucket is not valid.").with_status(400);
    Err(error.with_member("BucketName", name))
}

/// Keys are any text of 1 to 1024 bytes; nothing in them is a path to us.
pub(super) fn check_key(key: &str) -> Result<(), ApiError> {
    if key.len() <= 1024 {
        return Ok(());
    }
    let error = ApiError::new("KeyTooLongError", "Your key is too long").with_status(400);
    Err(error.with_member("Size", key.len()).with_member("MaxSizeAllowed", 1024))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bucket_names_follow_the_published_rules() {
        for good in ["abc", "my-bucket.1", "0a0", &"a".repeat(63)] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        let long = "a".repeat(64);
        let bad = [
            "ab",
            &long,
            "Abc",
            "a_b",
            "-ab",
            "ab-",
            ".ab",
            "a..b",
            "192.168.5.4",
            "xn--abc",
            "ab-s3alias",
            "a b",
            "äbc",
        ];
        for bad in bad {
            assert_eq!(check_name(bad).map_err(|e| e.code), Err("InvalidBucketName"), "{bad}");
        }
    }

    #[test]
    fn keys_are_measured_in_bytes() {
        assert!(check_key(&"ä".repeat(512)).is_ok());
        assert!(check_key(&"ä".repeat(513)).is_err());
    }
}
