//! EventBridge: <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html>.

use base::Arn;
use serde_json::Value;

use super::{Asked, Need};

/// What a call needs; nothing if the operation is not listed.
pub fn needs(call: &Asked<'_>) -> Option<Vec<Need>> {
    let resources = match call.operation {
        "ListEventBuses" | "ListRuleNamesByTarget" | "ListRules" | "TestEventPattern" => {
            return Some(vec![call.anything()]);
        }
        "DescribeEventBus" => vec![bus(call, call.text("Name"))],
        "PutEvents" => {
            let entries = call.input.get("Entries").and_then(Value::as_array);
            let buses = entries.into_iter().flatten();
            let buses = buses.map(|entry| bus(call, entry.get("EventBusName").and_then(Value::as_str)));
            buses.collect()
        }
        "DeleteRule" | "DescribeRule" | "DisableRule" | "EnableRule" | "PutRule" => rule(call, "Name"),
        "ListTargetsByRule" | "PutTargets" | "RemoveTargets" => rule(call, "Rule"),
        "ListTagsForResource" | "TagResource" | "UntagResource" => call.named(&["ResourceARN"], str::to_owned),
        _ => return None,
    };
    let mut needs = vec![call.itself(resources)];
    let mut roles: Vec<&str> = targets_of(call).filter_map(|target| target.get("RoleArn")?.as_str()).collect();
    roles.extend(call.text("RoleArn"));
    roles.sort_unstable();
    roles.dedup();
    needs.extend(roles.into_iter().filter(|role| !role.is_empty()).map(|role| call.pass_role(role, "events")));
    if call.operation == "PutTargets" {
        // Whoever aims a rule at something has it started.
        let arns = targets_of(call).filter_map(|target| target.get("Arn")?.as_str());
        needs.extend(arns.filter_map(|arn| {
            let action = match Arn::parse(arn)?.service.as_str() {
                "codebuild" => "codebuild:StartBuild",
                "codepipeline" => "codepipeline:StartPipelineExecution",
                _ => return None,
            };
            Some(Need::new(action, arn))
        }));
    }
    Some(needs)
}

fn targets_of<'a>(call: &Asked<'a>) -> impl Iterator<Item = &'a Value> {
    call.input.get("Targets").and_then(Value::as_array).into_iter().flatten()
}

fn bus(call: &Asked<'_>, name: Option<&str>) -> String {
    match name {
        Some(arn) if arn.starts_with("arn:") => arn.to_owned(),
        name => call.own(&format!("event-bus/{}", name.filter(|name| !name.is_empty()).unwrap_or("default"))),
    }
}

fn rule(call: &Asked<'_>, member: &str) -> Vec<String> {
    let bus = call.text("EventBusName").map(|bus| bus.rsplit_once("event-bus/").map_or(bus, |(_, name)| name));
    let bus = bus.filter(|bus| *bus != "default").map(|bus| format!("{bus}/")).unwrap_or_default();
    call.text(member).map(|name| call.own(&format!("rule/{bus}{name}"))).into_iter().collect()
}
