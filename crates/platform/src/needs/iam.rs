//! IAM: <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html>.
//! Requests name users and roles without their paths; the decision finds these.

use super::{Asked, Need};

/// What a call needs; nothing if the operation is not listed.
pub fn needs(call: &Asked<'_>) -> Option<Vec<Need>> {
    let global =
        |kind: &str, path: &str, name: &str| call.scope.global_arn("iam", format!("{kind}{path}{name}")).to_string();
    let path = call.text("Path").unwrap_or("/");
    let of = |kind: &str, member: &str| call.text(member).map(|name| global(kind, path, name));
    let resources: Vec<String> = match call.operation {
        "ListPolicies" | "ListRoles" | "ListUsers" => return Some(vec![call.anything()]),
        "AttachRolePolicy"
        | "CreateRole"
        | "DeleteRole"
        | "DeleteRolePermissionsBoundary"
        | "DeleteRolePolicy"
        | "DetachRolePolicy"
        | "GetRole"
        | "GetRolePolicy"
        | "ListAttachedRolePolicies"
        | "ListInstanceProfilesForRole"
        | "ListRolePolicies"
        | "ListRoleTags"
        | "PutRolePermissionsBoundary"
        | "PutRolePolicy"
        | "TagRole"
        | "UntagRole"
        | "UpdateAssumeRolePolicy"
        | "UpdateRole"
        | "UpdateRoleDescription" => of("role", "RoleName").into_iter().collect(),
        // Without a name most of these mean the caller, and a session of a role is no user.
        "AttachUserPolicy"
        | "CreateAccessKey"
        | "CreateServiceSpecificCredential"
        | "CreateUser"
        | "DeleteAccessKey"
        | "DeleteServiceSpecificCredential"
        | "DeleteUser"
        | "DeleteUserPolicy"
        | "DetachUserPolicy"
        | "GetAccessKeyLastUsed"
        | "GetUser"
        | "GetUserPolicy"
        | "ListAccessKeys"
        | "ListAttachedUserPolicies"
        | "ListServiceSpecificCredentials"
        | "ListUserPolicies"
        | "ListUserTags"
        | "PutUserPolicy"
        | "ResetServiceSpecificCredential"
        | "TagUser"
        | "UntagUser"
        | "UpdateAccessKey"
        | "UpdateServiceSpecificCredential"
        | "UploadSSHPublicKey" => of("user", "UserName").into_iter().collect(),
        // Who renames a user needs the right to both.
        "UpdateUser" => {
            let renamed = call.text("NewUserName").or(call.text("NewPath").and(call.text("UserName")));
            let after = renamed.map(|name| global("user", call.text("NewPath").unwrap_or("/"), name));
            match of("user", "UserName") {
                None => Vec::new(),
                Some(before) => std::iter::once(before).chain(after).collect(),
            }
        }
        "CreatePolicy" => of("policy", "PolicyName").into_iter().collect(),
        "CreatePolicyVersion"
        | "DeletePolicy"
        | "DeletePolicyVersion"
        | "GetPolicy"
        | "GetPolicyVersion"
        | "ListEntitiesForPolicy"
        | "ListPolicyVersions"
        | "SetDefaultPolicyVersion" => call.texts(&["PolicyArn"]).into_iter().map(str::to_owned).collect(),
        _ => return None,
    };
    Some(vec![call.itself(resources)])
}
