//! What is asked of Jenkins, and what the end of its build means.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::project::MARK;
use crate::worker::folder::{artifacts, word};
use crate::worker::job::text;
use crate::worker::result::Outcome;

/// The key of the action that names the Jenkins job.
pub(super) const PROJECT: &str = "ProjectName";

/// The parameters of the build. A key of the action that the Jenkins job does not declare is an error: Jenkins would drop it
/// without a word. What the worker itself has to say is said where it is declared.
pub(super) fn parameters(job: &Value, declared: &BTreeSet<String>) -> Result<Vec<(String, String)>, String> {
    let mut parameters = Vec::new();
    let configuration = &job["data"]["actionConfiguration"]["configuration"];
    for (name, value) in configuration.as_object().into_iter().flatten().filter(|(name, _)| *name != PROJECT) {
        if !declared.contains(name) {
            return Err(format!("The Jenkins job declares no parameter '{name}', which the action has a value for."));
        }
        parameters.push((name.clone(), value.as_str().unwrap_or_default().to_owned()));
    }
    let mut own = vec![(MARK.to_owned(), text(job, "/id"))];
    for (name, pointer) in [
        ("PIPELINE", "/data/pipelineContext/pipelineName"),
        ("STAGE", "/data/pipelineContext/stage/name"),
        ("ACTION", "/data/pipelineContext/action/name"),
        ("EXECUTION_ID", "/data/pipelineContext/pipelineExecutionId"),
    ] {
        own.push((format!("HEADWORKS_{name}"), text(job, pointer)));
    }
    for artifact in artifacts(job, "inputArtifacts") {
        let at = |member: &str| text(artifact, &format!("/location/s3Location/{member}"));
        let place = format!("s3://{}/{}", at("bucketName"), at("objectKey"));
        own.push((format!("HEADWORKS_INPUT_{}", word(&text(artifact, "/name"))), place));
    }
    for (name, value) in own {
        if declared.contains(&name) && !parameters.iter().any(|(other, _)| *other == name) {
            parameters.push((name, value));
        }
    }
    Ok(parameters)
}

/// What the job is refused for before Jenkins is asked.
pub(super) fn refusal(job: &Value) -> Option<String> {
    if artifacts(job, "outputArtifacts").next().is_some() {
        return Some("A worker for Jenkins brings no output artifacts back: the action must not have any.".to_owned());
    }
    let project = &job["data"]["actionConfiguration"]["configuration"][PROJECT];
    project.as_str().is_none_or(str::is_empty).then(|| format!("The action has no {PROJECT}: the Jenkins job's name."))
}

/// What a result of Jenkins's means to the pipeline: only SUCCESS is one.
pub(super) fn outcome(project: &str, number: u64, result: &str, url: &str) -> Outcome {
    let said = format!("Build {number} of the Jenkins job '{project}' ended {result}: {url}");
    if result == "SUCCESS" {
        return Outcome::Succeeded(json!({
            "executionDetails": {"externalExecutionId": number.to_string(), "summary": said},
            "outputVariables": {"BuildNumber": number.to_string(), "BuildUrl": url},
        }));
    }
    Outcome::failed_as(said, number.to_string())
}
