//! StartPipelineExecution: starts an execution of the newest version. The same client request token starts one execution.
//!
//! Order: pipeline, variables, source revisions; then the limit of modes QUEUED and PARALLEL ("Quotas in AWS CodePipeline": 50;
//! here `limits.executions`). Deviation: starts by source events are not limited, because nobody would hear that one was refused.
//! <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_StartPipelineExecution.html>

use std::collections::{BTreeMap, BTreeSet};

use base::ApiError;
use engine::pipeline::{Execution, GatesState, SourceOverride, Trigger};
use formats::pipeline::{PipelineDeclaration, Provider};
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::machine;

use super::{errors, load, start};

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub name: String,
    #[serde(default)]
    pub variables: Option<Vec<Variable>>,
    #[serde(default)]
    pub client_request_token: Option<String>,
    #[serde(default)]
    pub source_revisions: Option<Vec<SourceRevisionOverride>>,
}

/// A value for a pipeline variable.
#[derive(Clone, Debug, Deserialize)]
pub struct Variable {
    pub name: String,
    pub value: String,
}

/// A revision to use instead of the newest.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceRevisionOverride {
    pub action_name: String,
    pub revision_type: String,
    pub revision_value: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub pipeline_execution_id: String,
}

/// Starts an execution.
pub async fn start_pipeline_execution(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let scope = cx.scope().clone();
    let fresh = cx.ids.uuid().to_string();
    let (limit, salt) = (cx.site.max_executions, start::salt(&*cx.ids));
    let trigger = Trigger { kind: "StartPipelineExecution".to_owned(), detail: cx.caller.principal.arn.clone() };
    let pipeline_execution_id = cx
        .store
        .write(move |tx| {
            let (scope, input, fresh, trigger) = (scope.clone(), input.clone(), fresh.clone(), trigger.clone());
            let salt = salt.clone();
            Box::pin(async move {
                let gates = load::locked(tx, &scope, &input.name).await?;
                let row = load::pipeline(tx, &scope, &input.name).await?;
                let declaration = load::declaration(tx, &scope, &row, None).await?;
                let variables = variables(&declaration, input.variables.unwrap_or_default())?;
                let overrides = overrides(&declaration, input.source_revisions.unwrap_or_default())?;
                let id = match &input.client_request_token {
                    // A pipeline that was deleted and made again is another pipeline.
                    Some(token) => {
                        let arn = load::arn(&scope, &row.name);
                        let made = row.created.micros().to_string();
                        base::derived_uuid(&["StartPipelineExecution", &arn, &made, token]).to_string()
                    }
                    None => fresh,
                };
                // Asked again, it is the same execution, however many others there are by now.
                if machine::get::<Execution>(tx, &id).await?.is_none() {
                    within_limit(gates.as_ref(), &row.name, limit)?;
                }
                let starters = vec![trigger.detail.clone()];
                let begin =
                    start::Start { id: id.clone(), trigger, variables, overrides, parent: None, starters, salt };
                start::start(tx, &scope, declaration, begin).await?;
                Ok::<_, ApiError>(id)
            })
        })
        .await?;
    Ok(Output { pipeline_execution_id })
}

/// Whether one more execution may be under way.
pub(super) fn within_limit(gates: Option<&GatesState>, pipeline: &str, limit: Option<u32>) -> Result<(), ApiError> {
    match (gates.and_then(GatesState::counted), limit) {
        (Some(count), Some(limit)) if count >= limit as usize => Err(errors::too_many_executions(pipeline, limit)),
        _ => Ok(()),
    }
}

/// The variables that an execution is given, each of which the pipeline declares; those without a default must be there.
pub(super) fn variables(
    declaration: &PipelineDeclaration,
    given: Vec<Variable>,
) -> Result<BTreeMap<String, String>, ApiError> {
    if let Some(unknown) = given.iter().find(|g| declaration.variables.iter().all(|v| v.name != g.name)) {
        return Err(errors::validation(format!(
            "Pipeline '{}' does not declare a variable with name '{}'",
            declaration.name, unknown.name
        )));
    }
    let mut seen = BTreeSet::new();
    if let Some(twice) = given.iter().find(|g| !seen.insert(&g.name)) {
        return Err(errors::validation(format!("The variable '{}' is given more than one value", twice.name)));
    }
    let given: BTreeMap<String, String> = given.into_iter().map(|v| (v.name, v.value)).collect();
    match declaration.variables.iter().find(|v| v.default_value.is_none() && !given.contains_key(&v.name)) {
        Some(v) => Err(errors::validation(format!(
            "Pipeline variable '{}' has no default value: a value must be given to start the pipeline",
            v.name
        ))),
        None => Ok(given),
    }
}

pub(super) fn overrides(
    declaration: &PipelineDeclaration,
    given: Vec<SourceRevisionOverride>,
) -> Result<Vec<SourceOverride>, ApiError> {
    let mut seen = BTreeSet::new();
    if let Some(twice) = given.iter().find(|g| !seen.insert((&g.action_name, &g.revision_type))) {
        return Err(errors::validation(format!(
            "Source action '{}' is given more than one revision of type {}",
            twice.action_name, twice.revision_type
        )));
    }
    given
        .into_iter()
        .map(|g| {
            let action = declaration.source_actions().find(|a| a.name == g.action_name).ok_or_else(|| {
                errors::validation(format!(
                    "Pipeline '{}' does not have a source action with name '{}'",
                    declaration.name, g.action_name
                ))
            })?;
            let fits = match (action.provider(), g.revision_type.as_str()) {
                (
                    Some(Provider::CodeCommitSource | Provider::ConnectionSource | Provider::GitHubSource),
                    "COMMIT_ID",
                ) => true,
                (Some(Provider::S3Source), "S3_OBJECT_VERSION_ID") => true,
                (Some(Provider::S3Source), "S3_OBJECT_KEY") => {
                    action.config("AllowOverrideForS3ObjectKey") == Some("true")
                }
                (Some(Provider::Call), "IMAGE_DIGEST") => action.action_type_id.provider == "ECR",
                _ => false,
            };
            if !fits {
                return Err(errors::validation(format!(
                    "Source action '{}' does not accept a revision of type {}",
                    g.action_name, g.revision_type
                )));
            }
            Ok(SourceOverride { action: g.action_name, kind: g.revision_type, value: g.revision_value })
        })
        .collect()
}
