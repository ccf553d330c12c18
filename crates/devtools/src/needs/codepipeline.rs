//! CodePipeline: <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscodepipeline.html>. A resource is
//! `PIPELINE`, `PIPELINE/STAGE` or `PIPELINE/STAGE/ACTION`.

use platform::needs::{Asked, Need};

/// What a call needs; nothing if the operation is not listed.
pub fn needs(call: &Asked<'_>) -> Option<Vec<Need>> {
    let path = |members: &[&str]| {
        let names: Option<Vec<&str>> = members.iter().map(|m| call.text(m)).collect();
        names.map(|names| call.own(&names.join("/"))).into_iter().collect::<Vec<_>>()
    };
    let resources = match call.operation {
        "ListPipelines" => return Some(vec![call.anything()]),
        "CreatePipeline" | "UpdatePipeline" => path(&["/pipeline/name"]),
        "DeletePipeline" | "GetPipeline" | "GetPipelineState" | "StartPipelineExecution" => path(&["name"]),
        "GetPipelineExecution" | "ListActionExecutions" | "ListPipelineExecutions" | "StopPipelineExecution" => {
            path(&["pipelineName"])
        }
        "DisableStageTransition"
        | "EnableStageTransition"
        | "OverrideStageCondition"
        | "RetryStageExecution"
        | "RollbackStage" => path(&["pipelineName", "stageName"]),
        "PutApprovalResult" => path(&["pipelineName", "stageName", "actionName"]),
        "ListTagsForResource" | "TagResource" | "UntagResource" => call.named(&["resourceArn"], str::to_owned),
        _ => return None,
    };
    Some(vec![call.itself(resources)])
}
