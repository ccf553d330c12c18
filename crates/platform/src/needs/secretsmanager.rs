//! Secrets Manager: <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecretsmanager.html>.

use super::{Asked, Need};

/// What a call needs; nothing if the operation is not listed.
pub fn needs(call: &Asked<'_>) -> Option<Vec<Need>> {
    let secrets = |members: &[&str]| call.named(members, resource);
    let resources = match call.operation {
        "GetRandomPassword" | "ListSecrets" => return Some(vec![call.anything()]),
        // The list, and each secret of it; those that filters find are not known yet.
        "BatchGetSecretValue" => {
            let each = Need::on("secretsmanager:GetSecretValue", secrets(&["SecretIdList"]));
            return Some(vec![call.anything(), each]);
        }
        "CreateSecret" => secrets(&["Name"]),
        "CancelRotateSecret"
        | "DeleteResourcePolicy"
        | "DeleteSecret"
        | "DescribeSecret"
        | "GetResourcePolicy"
        | "GetSecretValue"
        | "ListSecretVersionIds"
        | "PutResourcePolicy"
        | "PutSecretValue"
        | "RestoreSecret"
        | "RotateSecret"
        | "TagResource"
        | "UntagResource"
        | "UpdateSecret"
        | "UpdateSecretVersionStage" => secrets(&["SecretId"]),
        _ => return None,
    };
    Some(vec![call.itself(resources)])
}

/// The six characters that the service adds to a name are not in the request.
fn resource(name: &str) -> String {
    format!("secret:{name}-??????")
}
