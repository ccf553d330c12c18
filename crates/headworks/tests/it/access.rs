//! What operations need stands in the tables of every service.

use base::{AccountId, Region, Scope};
use headworks::registry;
use platform::needs::Asked;
use serde_json::json;

/// Operations that policies cannot narrow to a resource: lists, and what is about the caller.
const ON_ANYTHING: &[(&str, &str)] = &[
    ("codebuild", "DeleteSourceCredentials"),
    ("codebuild", "ImportSourceCredentials"),
    ("codepipeline", "AcknowledgeJob"),
    ("codepipeline", "AcknowledgeThirdPartyJob"),
    ("codepipeline", "GetJobDetails"),
    ("codepipeline", "GetThirdPartyJobDetails"),
    ("codepipeline", "PollForThirdPartyJobs"),
    ("codepipeline", "PutJobFailureResult"),
    ("codepipeline", "PutJobSuccessResult"),
    ("codepipeline", "PutThirdPartyJobFailureResult"),
    ("codepipeline", "PutThirdPartyJobSuccessResult"),
    ("codestar-notifications", "DeleteTarget"),
    ("events", "TestEventPattern"),
    ("s3", "ListBuckets"),
    ("secretsmanager", "BatchGetSecretValue"),
    ("secretsmanager", "GetRandomPassword"),
    ("ssm", "DescribeParameters"),
    ("sts", "GetAccessKeyInfo"),
    ("sts", "GetCallerIdentity"),
    ("sts", "GetSessionToken"),
];

#[test]
fn every_operation_stands_in_the_table_of_what_its_service_needs() {
    let scope =
        Scope { account: AccountId::parse("123456789012").unwrap(), region: Region::parse("eu-central-1").unwrap() };
    let input = json!({});
    let mut missing = Vec::new();
    let mut wide = Vec::new();
    for entry in registry::OPERATIONS {
        let model = wire::models().service(entry.service).unwrap();
        let asked = Asked { scope: &scope, service: model.signing_name(), operation: entry.operation, input: &input };
        let name = format!("{} {}", entry.service, entry.operation);
        match registry::needs(entry.service, &asked) {
            None => missing.push(name),
            Some(needs) => {
                assert!(!needs.is_empty(), "{name} needs nothing");
                let any = needs.iter().any(|n| n.resources.iter().any(|r| r == "*"));
                let may =
                    entry.operation.starts_with("List") || ON_ANYTHING.contains(&(entry.service, entry.operation));
                if any && !may {
                    wide.push(name);
                }
            }
        }
    }
    assert!(missing.is_empty(), "not listed in crates/{{platform,devtools}}/src/needs/: {missing:?}");
    assert!(wide.is_empty(), "a call that names no resource is taken for one on everything: {wide:?}");
}
