//! Builds of Commands actions: what a project and a buildspec would say, from the action alone.
//! <https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-Commands.html>
//!
//! The build's project is one that nobody has: `codepipeline.PIPELINE`, a name that no project can have.

use base::ApiError;
use engine::pipeline::Commands;
use platform::Cx;
use serde_json::json;

use super::project::Project;

/// How the name begins under which builds without a project run.
const MANAGED: &str = "codepipeline.";
/// "The timeout for builds with the Commands action is 55 minutes".
const TIMEOUT_MINUTES: u32 = 55;

/// What a Commands action asks for.
#[derive(Clone, Debug)]
pub struct PipelineCommands {
    pub work: Commands,
    /// The role that the commands run as: the action's, else the pipeline's.
    pub role_arn: String,
    /// The name of the log's stream.
    pub action_execution: String,
}

/// Whether a project's name is that of builds without one.
pub(super) fn is_managed(project: &str) -> bool {
    project.starts_with(MANAGED)
}

/// The name under which the builds of a pipeline's commands run.
pub(super) fn project_name(pipeline: &str) -> String {
    // Names of log groups have no @.
    format!("{MANAGED}{}", pipeline.replace('@', "_"))
}

/// The project that would do it.
pub(super) fn project(
    cx: &Cx,
    pipeline: &str,
    commands: &PipelineCommands,
    has_output: bool,
) -> Result<Project, ApiError> {
    let work = &commands.work;
    let mut buildspec = json!({"version": "0.2", "phases": {"build": {"commands": work.commands}}});
    if !work.output_variables.is_empty() {
        buildspec["env"] = json!({"exported-variables": work.output_variables});
    }
    if has_output {
        let all = vec!["**/*".to_owned()];
        buildspec["artifacts"] = json!({"files": if work.files.is_empty() { &all } else { &work.files }});
    }
    let project = json!({
        "name": project_name(pipeline),
        "source": {"type": "CODEPIPELINE", "buildspec": buildspec.to_string()},
        "artifacts": {"type": "CODEPIPELINE"},
        "cache": {"type": "NO_CACHE"},
        "environment": {
            "type": "LINUX_CONTAINER", "image": "aws/codebuild/amazonlinux2-x86_64-standard:5.0",
            "computeType": work.compute_type.as_deref().unwrap_or("BUILD_GENERAL1_SMALL"),
        },
        "serviceRole": commands.role_arn,
        "timeoutInMinutes": TIMEOUT_MINUTES,
        "queuedTimeoutInMinutes": 480,
        "encryptionKey": "",
        "logsConfig": {"cloudWatchLogs": {
            "status": "ENABLED", "groupName": format!("/aws/codepipeline/{}", pipeline.replace('@', "_")), "streamName": commands.action_execution,
        }},
    });
    serde_json::from_value::<Project>(project).map(|p| p.with_defaults(cx)).map_err(ApiError::internal)
}
