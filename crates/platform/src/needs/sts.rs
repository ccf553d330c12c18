//! STS: <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html>.

use super::{Asked, Need};

/// What a call needs; nothing if the operation is not listed.
pub fn needs(call: &Asked<'_>) -> Option<Vec<Need>> {
    let resources = match call.operation {
        "GetAccessKeyInfo" | "GetCallerIdentity" | "GetSessionToken" => return Some(vec![call.anything()]),
        "AssumeRole" => call.texts(&["RoleArn"]).into_iter().map(str::to_owned).collect(),
        _ => return None,
    };
    Some(vec![call.itself(resources)])
}
