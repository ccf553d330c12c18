//! CodeBuild: <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscodebuild.html>. Builds, batches and sandboxes are
//! reached through their projects, reports through their groups.

use platform::needs::{Asked, Need};

/// Members that name a role which the service is to act as.
const ROLES: &[&str] = &[
    "serviceRole",
    "serviceRoleOverride",
    "/buildBatchConfig/serviceRole",
    "/buildBatchConfigOverride/serviceRole",
    "fleetServiceRole",
    "resourceAccessRole",
];

/// What a call needs; nothing if the operation is not listed.
pub fn needs(call: &Asked<'_>) -> Option<Vec<Need>> {
    let projects = |members: &[&str]| call.named(members, |name| format!("project/{name}"));
    let groups = |members: &[&str]| call.named(members, |name| format!("report-group/{name}"));
    let fleets = |members: &[&str]| call.named(members, |name| format!("fleet/{name}"));
    let resources = match call.operation {
        "DeleteSourceCredentials"
        | "ImportSourceCredentials"
        | "ListBuildBatches"
        | "ListBuilds"
        | "ListCuratedEnvironmentImages"
        | "ListFleets"
        | "ListProjects"
        | "ListReportGroups"
        | "ListReports"
        | "ListSandboxes"
        | "ListSharedProjects"
        | "ListSharedReportGroups"
        | "ListSourceCredentials" => return Some(vec![call.anything()]),
        "BatchGetProjects" => projects(&["names"]),
        "CreateProject" | "DeleteProject" | "UpdateProject" => projects(&["name"]),
        "CreateWebhook"
        | "DeleteWebhook"
        | "InvalidateProjectCache"
        | "ListBuildBatchesForProject"
        | "ListBuildsForProject"
        | "ListSandboxesForProject"
        | "StartBuild"
        | "StartBuildBatch"
        | "StartSandbox"
        | "UpdateWebhook" => projects(&["projectName"]),
        "UpdateProjectVisibility" => projects(&["projectArn"]),
        "BatchDeleteBuilds"
        | "BatchGetBuildBatches"
        | "BatchGetBuilds"
        | "BatchGetCommandExecutions"
        | "BatchGetSandboxes"
        | "DeleteBuildBatch"
        | "ListCommandExecutionsForSandbox"
        | "RetryBuild"
        | "RetryBuildBatch"
        | "StartCommandExecution"
        | "StartSandboxConnection"
        | "StopBuild"
        | "StopBuildBatch"
        | "StopSandbox" => {
            let ids = call.texts(&["id", "ids", "sandboxId"]);
            ids.into_iter().map(|id| call.own(&format!("project/{}", project_of_build(id)))).collect()
        }
        "CreateReportGroup" => groups(&["name"]),
        "DeleteReportGroup" | "UpdateReportGroup" => groups(&["arn"]),
        "BatchGetReportGroups" => groups(&["reportGroupArns"]),
        "GetReportGroupTrend" | "ListReportsForReportGroup" => groups(&["reportGroupArn"]),
        "BatchGetReports" | "DeleteReport" | "DescribeCodeCoverages" | "DescribeTestCases" => {
            let reports = call.texts(&["arn", "reportArn", "reportArns"]);
            reports.into_iter().map(|report| call.own(&format!("report-group/{}", group_of_report(report)))).collect()
        }
        "CreateFleet" => fleets(&["name"]),
        "BatchGetFleets" => fleets(&["names"]),
        "DeleteFleet" | "UpdateFleet" => fleets(&["arn"]),
        "DeleteResourcePolicy" | "GetResourcePolicy" | "PutResourcePolicy" => {
            call.texts(&["resourceArn"]).into_iter().map(str::to_owned).collect()
        }
        _ => return None,
    };
    let passed = call.texts(ROLES).into_iter().map(|role| call.pass_role(role, "codebuild"));
    Some(std::iter::once(call.itself(resources)).chain(passed).collect())
}

/// `PROJECT:UUID`, or an ARN that ends in it.
fn project_of_build(id: &str) -> &str {
    let id = id.rsplit_once('/').map_or(id, |(_, id)| id);
    id.split(':').next().unwrap_or(id)
}

/// An ARN that ends in `report/GROUP:UUID`.
fn group_of_report(arn: &str) -> &str {
    project_of_build(arn)
}
