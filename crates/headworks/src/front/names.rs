//! Which of AWS's names are ours.

use platform::Cx;
use store::tables::s3_bucket;
use wire::{AwsHost, aws_host};

use crate::registry::OPERATIONS;

/// The first labels of the hosts of the services of which we serve anything.
pub(crate) fn prefixes() -> Vec<String> {
    let served = |service: &str| OPERATIONS.iter().any(|entry| entry.service == service);
    let services = wire::models().services().filter(|name| served(name));
    let mut prefixes: Vec<String> = services
        .filter_map(|name| wire::models().service(name))
        .map(|service| service.endpoint_prefix().to_owned())
        .collect();
    if served("codecommit") {
        prefixes.push("git-codecommit".to_owned());
    }
    prefixes.sort();
    prefixes.dedup();
    prefixes
}

/// A host of AWS's of a service that is ours, whatever it is asked for.
pub(super) fn is_aws(name: &str) -> bool {
    match aws_host(name) {
        Some(AwsHost::Service(service)) => OPERATIONS.iter().any(|entry| entry.service == service.name()),
        Some(AwsHost::Bucket(_)) => true,
        None => false,
    }
}

/// Whether a build that asks for `name` shall come to us. The buckets of others stay where they are: builds fetch tools
/// from there.
pub(super) async fn is_ours(cx: &Cx, name: &str) -> Result<bool, store::Error> {
    match aws_host(name) {
        Some(AwsHost::Bucket(bucket)) => {
            let mut tx = cx.store.read().await?;
            Ok(s3_bucket::get(&mut tx, &bucket).await?.is_some())
        }
        Some(AwsHost::Service(_)) => Ok(is_aws(name)),
        None => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_served_is_ours_and_the_rest_of_aws_is_not() {
        let all = prefixes();
        for prefix in ["sts", "s3", "codebuild", "git-codecommit", "ssm", "secretsmanager"] {
            assert!(all.iter().any(|p| p == prefix), "{prefix}");
        }
        assert!(is_aws("sts.eu-west-1.amazonaws.com") && is_aws("any.bucket.s3.amazonaws.com"));
        assert!(!is_aws("ec2.eu-west-1.amazonaws.com") && !is_aws("example.com"));
    }
}
