//! CloudWatch Logs: <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchlogs.html>.

use base::Arn;

use super::{Asked, Need};

/// What a call needs; nothing if the operation is not listed.
pub fn needs(call: &Asked<'_>) -> Option<Vec<Need>> {
    let resources = match call.operation {
        // On all groups: as AWS does, on one with an empty name, which `log-group:*` covers.
        "DescribeLogGroups" => vec![of_group(call, "", "")],
        "CreateLogGroup"
        | "CreateLogStream"
        | "DeleteLogGroup"
        | "DeleteLogStream"
        | "DeleteRetentionPolicy"
        | "DescribeLogStreams"
        | "FilterLogEvents"
        | "GetLogEvents"
        | "ListTagsLogGroup"
        | "PutLogEvents"
        | "PutRetentionPolicy"
        | "TagLogGroup"
        | "UntagLogGroup" => {
            let stream = call.text("logStreamName").unwrap_or_default();
            let groups = call.texts(&["logGroupName", "logGroupIdentifier"]);
            groups.into_iter().map(|g| of_group(call, &name(g), stream)).collect()
        }
        "ListTagsForResource" | "TagResource" | "UntagResource" => {
            let arns = call.texts(&["resourceArn"]);
            arns.into_iter().map(|arn| of_group(call, &name(arn), "")).collect()
        }
        _ => return None,
    };
    Some(vec![call.itself(resources)])
}

/// A group's name, which may be given as an ARN.
fn name(identifier: &str) -> String {
    match Arn::parse(identifier) {
        Some(arn) => arn.resource.trim_start_matches("log-group:").trim_end_matches(":*").to_owned(),
        None => identifier.to_owned(),
    }
}

fn of_group(call: &Asked<'_>, group: &str, stream: &str) -> String {
    call.own(&format!("log-group:{group}:log-stream:{stream}"))
}
