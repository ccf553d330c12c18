//! The versions of a managed policy, whoever manages it.

use base::ApiError;
use store::Tx;
use store::tables::iam_policy;

use super::shapes::PolicyVersion;
use super::{errors, lookup};
use crate::Cx;

/// Newest first, each with its document (which the shape does not have yet).
pub(crate) async fn list(tx: &mut Tx, cx: &Cx, arn: &str) -> Result<Vec<(PolicyVersion, String)>, ApiError> {
    match lookup::policy(tx, cx, arn).await?.ok_or_else(|| errors::no_policy(arn))? {
        lookup::Policy::Aws(managed) => {
            let version = PolicyVersion {
                document: None,
                version_id: "v1".to_owned(),
                is_default_version: true,
                create_date: managed.created().into(),
            };
            Ok(vec![(version, managed.document())])
        }
        lookup::Policy::Own(row) => {
            let shape = |v: iam_policy::Version| {
                let version = PolicyVersion {
                    document: None,
                    version_id: format!("v{}", v.version),
                    is_default_version: v.version == row.default_version,
                    create_date: v.created.into(),
                };
                (version, v.document)
            };
            Ok(iam_policy::list_versions(tx, &row.id).await?.into_iter().map(shape).collect())
        }
    }
}

/// The number in `v3`.
pub(crate) fn number(version_id: &str) -> Option<i64> {
    version_id.strip_prefix('v')?.parse().ok()
}
