//! CodePipeline: <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscodepipeline.html>. A resource is
//! `PIPELINE`, `PIPELINE/STAGE`, `PIPELINE/STAGE/ACTION` or `webhook:WEBHOOK`.

use std::collections::BTreeSet;

use platform::needs::{Asked, Need};
use serde_json::Value;

/// What a call needs; nothing if the operation is not listed.
pub fn needs(call: &Asked<'_>) -> Option<Vec<Need>> {
    let path = |members: &[&str]| {
        let names: Option<Vec<&str>> = members.iter().map(|m| call.text(m)).collect();
        names.map(|names| call.own(&names.join("/"))).into_iter().collect::<Vec<_>>()
    };
    let webhook = |member: &str| call.text(member).map(|name| call.own(&format!("webhook:{name}"))).into_iter();
    let resources = match call.operation {
        "ListPipelines" | "ListRuleTypes" | "ListActionTypes" | "ListWebhooks" => return Some(vec![call.anything()]),
        // Jobs are named by ids that say nothing of what they are part of.
        "AcknowledgeJob"
        | "AcknowledgeThirdPartyJob"
        | "GetJobDetails"
        | "GetThirdPartyJobDetails"
        | "PollForThirdPartyJobs"
        | "PutJobFailureResult"
        | "PutJobSuccessResult"
        | "PutThirdPartyJobFailureResult"
        | "PutThirdPartyJobSuccessResult" => return Some(vec![call.anything()]),
        "CreateCustomActionType" | "DeleteCustomActionType" => {
            let members = ["/category", "/provider", "/version"].map(|member| call.text(member).unwrap_or("*"));
            vec![call.own(&format!("actiontype:Custom/{}", members.join("/")))]
        }
        "GetActionType" | "PollForJobs" | "UpdateActionType" => {
            let id = match call.operation {
                "GetActionType" => "",
                "PollForJobs" => "/actionTypeId",
                _ => "/actionType/id",
            };
            let members = ["owner", "category", "provider", "version"]
                .map(|member| call.text(&format!("{id}/{member}")).unwrap_or("*").to_owned());
            vec![call.own(&format!("actiontype:{}", members.join("/")))]
        }
        "PutActionRevision" => path(&["pipelineName", "stageName", "actionName"]),
        "ListDeployActionExecutionTargets" => match call.text("pipelineName") {
            Some(_) => path(&["pipelineName"]),
            None => return Some(vec![call.anything()]),
        },
        "CreatePipeline" | "UpdatePipeline" => path(&["/pipeline/name"]),
        "DeletePipeline" | "GetPipeline" | "GetPipelineState" | "StartPipelineExecution" => path(&["name"]),
        "GetPipelineExecution"
        | "ListActionExecutions"
        | "ListPipelineExecutions"
        | "ListRuleExecutions"
        | "StopPipelineExecution" => path(&["pipelineName"]),
        "DisableStageTransition"
        | "EnableStageTransition"
        | "OverrideStageCondition"
        | "RetryStageExecution"
        | "RollbackStage" => path(&["pipelineName", "stageName"]),
        "PutApprovalResult" => path(&["pipelineName", "stageName", "actionName"]),
        "PutWebhook" => webhook("/webhook/name").chain(path(&["/webhook/targetPipeline"])).collect(),
        "DeleteWebhook" => webhook("name").collect(),
        "DeregisterWebhookWithThirdParty" | "RegisterWebhookWithThirdParty" => webhook("webhookName").collect(),
        "ListTagsForResource" | "TagResource" | "UntagResource" => call.named(&["resourceArn"], str::to_owned),
        _ => return None,
    };
    let mut needs = vec![call.itself(resources)];
    let mut roles = Vec::new();
    if let Some(pipeline) = call.input.get("pipeline") {
        collect_roles(pipeline, &mut roles);
    }
    roles.sort_unstable();
    roles.dedup();
    needs.extend(roles.into_iter().map(|role| call.pass_role(role, "codepipeline")));
    needs.extend(connections(call.input).into_iter().map(|arn| {
        let service = arn.split(':').nth(2).unwrap_or("codeconnections");
        Need::new(format!("{service}:PassConnection"), arn)
    }));
    Some(needs)
}

/// The connections that the pipeline's source actions hand on.
fn connections(input: &Value) -> BTreeSet<&str> {
    let stages = input.pointer("/pipeline/stages").and_then(Value::as_array);
    let actions = stages.into_iter().flatten().filter_map(|stage| stage.get("actions")?.as_array()).flatten();
    let arns = actions.filter_map(|action| action.pointer("/configuration/ConnectionArn")?.as_str());
    arns.filter(|arn| !arn.is_empty()).collect()
}

/// The roles of the pipeline, its actions and its rules, wherever in the declaration they stand.
fn collect_roles<'a>(value: &'a Value, roles: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member.as_str() {
                    Some(role) if name == "roleArn" && !role.is_empty() => roles.push(role),
                    _ => collect_roles(member, roles),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_roles(item, roles)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
