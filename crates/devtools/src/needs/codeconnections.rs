//! CodeConnections, under both of its names:
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscodeconnections.html>.

use platform::needs::{Asked, Need};
use serde_json::Value;

/// What a call needs; nothing if the operation is not listed.
pub fn needs(call: &Asked<'_>) -> Option<Vec<Need>> {
    let named = |member: &str| call.named(&[member], str::to_owned);
    let mut needs = Vec::new();
    if matches!(call.operation, "CreateConnection" | "TagResource") {
        needs.extend(secrets(call.input).map(|arn| Need::new("secretsmanager:GetSecretValue", arn)));
    }
    let resources = match call.operation {
        "ListConnections" | "ListHosts" => return Some(vec![call.anything()]),
        "CreateConnection" => vec![call.own("connection/*")],
        "CreateHost" => vec![call.own("host/*")],
        "DeleteConnection" | "GetConnection" => named("ConnectionArn"),
        "DeleteHost" | "GetHost" | "UpdateHost" => named("HostArn"),
        "ListTagsForResource" | "TagResource" | "UntagResource" => named("ResourceArn"),
        _ => return None,
    };
    needs.insert(0, call.itself(resources));
    Some(needs)
}

/// The secrets that a connection will show to its git server.
fn secrets(input: &Value) -> impl Iterator<Item = &str> {
    let tags = input.get("Tags").and_then(Value::as_array).into_iter().flatten();
    let ours = tags.filter(|tag| tag.get("Key").and_then(Value::as_str) == Some(crate::codeconnections::SECRET));
    ours.filter_map(|tag| tag.get("Value")?.as_str()).filter(|value| value.starts_with("arn:"))
}
