//! What clients see of executions, stages and actions.

use std::collections::BTreeMap;

use base::{ApiError, Timestamp};
use engine::pipeline::{
    ActionError, ActionRun, ActionStatus, Artifact, Ended, ExecutionKind, ExecutionState, External, Phase, RuleRun,
    RuleStatus, SourceRevision, Transition, child_name,
};
use formats::pipeline::{ActionDeclaration, ActionTypeId, CustomActionType, DEFINITION, Provider, fill_url};
use serde::Serialize;

use super::secrets;

/// What started an execution.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Trigger {
    pub trigger_type: String,
    pub trigger_detail: String,
}

/// An execution's place in a stage.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StageExecution {
    pub pipeline_execution_id: String,
    pub status: &'static str,
    #[serde(rename = "type")]
    pub execution_type: &'static str,
}

/// A transition's state.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TransitionState {
    pub enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_changed_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_changed_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled_reason: Option<String>,
}

/// An action as GetPipelineState shows it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ActionState {
    pub action_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_revision: Option<ActionRevision>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latest_execution: Option<ActionExecution>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entity_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision_url: Option<String>,
}

/// The revision that a source action found.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ActionRevision {
    pub revision_id: String,
    pub revision_change_id: String,
    pub created: Timestamp,
}

/// An action's latest run.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ActionExecution {
    pub action_execution_id: String,
    pub status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    pub last_status_change: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_updated_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_execution_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_execution_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percent_complete: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_details: Option<ErrorDetails>,
    #[serde(rename = "logStreamARN", skip_serializing_if = "Option::is_none")]
    pub log_stream_arn: Option<String>,
}

/// Why an action failed.
#[derive(Debug, Serialize)]
pub struct ErrorDetails {
    pub code: String,
    pub message: String,
}

/// A revision that an execution runs on.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RevisionSummary {
    pub action_name: String,
    pub revision_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision_summary: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision_url: Option<String>,
}

/// An action execution as ListActionExecutions shows it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ActionDetail {
    pub pipeline_execution_id: String,
    pub action_execution_id: String,
    pub pipeline_version: u32,
    pub stage_name: String,
    pub action_name: String,
    pub start_time: Timestamp,
    pub last_update_time: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_by: Option<String>,
    pub status: &'static str,
    pub input: ActionInput,
    pub output: ActionOutput,
}

/// What an action execution was given.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ActionInput {
    pub action_type_id: ActionTypeId,
    pub configuration: BTreeMap<String, String>,
    pub resolved_configuration: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    pub region: String,
    pub input_artifacts: Vec<ArtifactDetail>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// What came of an action execution.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ActionOutput {
    pub output_artifacts: Vec<ArtifactDetail>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution_result: Option<ExecutionResult>,
    pub output_variables: BTreeMap<String, String>,
}

/// The traces of an action's work.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExecutionResult {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_execution_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_execution_summary: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_execution_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_details: Option<ErrorDetails>,
    /// Of an action's execution; the model knows none of a rule's.
    #[serde(rename = "logStreamARN", skip_serializing_if = "Option::is_none")]
    pub log_stream_arn: Option<String>,
}

/// An artifact and where it lies.
#[derive(Debug, Serialize)]
pub struct ArtifactDetail {
    pub name: String,
    pub s3location: S3Location,
}

/// An object.
#[derive(Debug, Serialize)]
pub struct S3Location {
    pub bucket: String,
    pub key: String,
}

/// What a rollback goes back to.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RollbackMetadata {
    pub rollback_target_pipeline_execution_id: String,
}

pub(super) fn rollback(state: &ExecutionState) -> Option<RollbackMetadata> {
    match &state.kind {
        ExecutionKind::Standard => None,
        ExecutionKind::Rollback(rollback) => {
            Some(RollbackMetadata { rollback_target_pipeline_execution_id: rollback.target.clone() })
        }
    }
}

pub(super) fn trigger(state: &ExecutionState) -> Trigger {
    Trigger { trigger_type: state.trigger.kind.clone(), trigger_detail: state.trigger.detail.clone() }
}

/// A sentence about how an execution ended, where there is more to say than its status.
pub(super) fn status_summary(state: &ExecutionState) -> Option<String> {
    match &state.phase {
        Phase::Ended(Ended::Superseded { by }) => Some(format!("Superseded by execution {by}")),
        Phase::Ended(Ended::Cancelled) => Some("The pipeline definition was updated".to_owned()),
        Phase::Ended(Ended::Stopped(request)) => request.reason.clone(),
        Phase::HandingOver { .. } | Phase::Ended(Ended::Failed) => {
            let rules = state.stages.last().into_iter().flat_map(|s| s.rules());
            let unmet = rules.filter_map(|r| rule_error(&r.status)).map(|e| e.message).next_back();
            let actions = state.stages.iter().flat_map(|s| &s.actions);
            let failed = actions.filter_map(|a| error(&a.status)).map(|e| e.message.clone()).next_back();
            // The rules that are checked after a failure do not explain it.
            let in_stage = state.stages.last().is_some_and(|s| s.actions.iter().any(|a| error(&a.status).is_some()));
            let why = if in_stage { failed } else { unmet.or(failed) };
            match (why, &state.note) {
                (Some(why), Some(note)) => Some(format!("{why} {note}")),
                (why, note) => why.or_else(|| note.clone()),
            }
        }
        Phase::New | Phase::Waiting { .. } | Phase::Running { .. } | Phase::Ended(Ended::Succeeded) => None,
    }
}

pub(super) fn source_revisions(state: &ExecutionState) -> Vec<RevisionSummary> {
    let summary = |s: &SourceRevision| RevisionSummary {
        action_name: s.action.clone(),
        revision_id: s.revision.id.clone(),
        revision_summary: s.revision.summary.clone(),
        revision_url: s.revision.url.clone(),
    };
    state.source_revisions.iter().map(summary).collect()
}

pub(super) fn transition(transition: &Transition) -> TransitionState {
    let (enabled, change, reason) = match transition {
        Transition::Open => (true, None, None),
        Transition::Reopened(change) => (true, Some(change), None),
        Transition::Closed { reason, change } => (false, Some(change), Some(reason.clone())),
    };
    TransitionState {
        enabled,
        last_changed_by: change.map(|c| c.by.clone()),
        last_changed_at: change.map(|c| c.at),
        disabled_reason: reason,
    }
}

/// An action of the declaration with its latest run, if it has run.
pub(super) fn action_state(
    declared: &ActionDeclaration,
    region: &str,
    run: Option<(&ExecutionState, &ActionRun)>,
) -> ActionState {
    let revision = run.and_then(|(state, run)| state.source_revisions.iter().find(|s| s.action == run.name));
    ActionState {
        action_name: run.map_or(&declared.name, |(_, run)| &run.name).clone(),
        current_revision: revision.zip(run).filter(|_| declared.is_source()).map(|(s, (_, run))| ActionRevision {
            revision_id: s.revision.id.clone(),
            revision_change_id: s.revision.change_identifier().unwrap_or_else(|| s.revision.id.clone()),
            created: s.revision.created.unwrap_or(run.updated),
        }),
        latest_execution: run.map(|(_, run)| action_execution(run)),
        entity_url: run.and_then(|run| child_url(declared, region, run)).or_else(|| {
            let ran_with = run.map(|(_, run)| run.configuration(declared));
            entity_url(declared, ran_with.as_ref(), region)
        }),
        revision_url: revision.filter(|_| declared.is_source()).and_then(|s| s.revision.url.clone()),
    }
}

/// Adds what an action waits for. A build is not begun while there is no room on the server's disk.
pub(super) fn waiting(mut state: ActionState, declared: &ActionDeclaration, no_room: Option<&ApiError>) -> ActionState {
    let is_build = matches!(declared.provider(), Some(Provider::CodeBuild | Provider::Commands));
    if let (true, Some(why), Some(run)) = (is_build, no_room, &mut state.latest_execution)
        && run.external_execution_id.is_none()
        && run.status == ActionStatus::Working.as_str()
    {
        run.summary = Some(format!("The build waits for room. {}", why.message));
    }
    state
}

/// Adds the address that the template of a registered type gives.
pub(super) fn of_worker(
    mut state: ActionState,
    declared: &ActionDeclaration,
    registered: &[CustomActionType],
    run: Option<&ActionRun>,
) -> ActionState {
    let kind = CustomActionType::find(registered, &declared.action_type_id);
    let settings = kind.and_then(|k| k.settings.as_ref());
    if let Some(template) = settings.and_then(|s| s.entity_url_template.as_deref()) {
        let configuration = run.map_or_else(|| declared.configuration.clone(), |run| run.configuration(declared));
        state.entity_url = fill_url(template, |name| configuration.get(name.strip_prefix("Config:")?).cloned());
    }
    state
}

fn action_execution(run: &ActionRun) -> ActionExecution {
    let token = match &run.status {
        ActionStatus::AwaitingApproval { token } => Some(token.clone()),
        ActionStatus::Working | ActionStatus::Succeeded { .. } | ActionStatus::Failed(_) | ActionStatus::Abandoned => {
            None
        }
    };
    ActionExecution {
        action_execution_id: run.id.clone(),
        status: run.status.as_str(),
        summary: run.external.summary.clone(),
        last_status_change: run.updated,
        token,
        last_updated_by: run.external.by.clone(),
        external_execution_id: run.external.id.clone(),
        external_execution_url: run.external.url.clone(),
        percent_complete: run.external.percent,
        error_details: details(&run.status),
        log_stream_arn: run.external.log_stream.clone(),
    }
}

/// The page about the pipeline that a run has brought along.
fn child_url(
    declared: &ActionDeclaration,
    region: &str,
    (state, run): (&ExecutionState, &ActionRun),
) -> Option<String> {
    declared.config(DEFINITION)?;
    Some(pipeline_url(region, &child_name(&state.definition.name, &run.name)))
}

fn pipeline_url(region: &str, pipeline: &str) -> String {
    format!("https://{region}.console.aws.amazon.com/codesuite/codepipeline/pipelines/{pipeline}/view")
}

/// The console's page about what an action works on. Its host is AWS's: clients take it apart. The configuration that the
/// action ran with has values where the declared one has references; what never ran, or could not be resolved, has but these.
fn entity_url(action: &ActionDeclaration, ran_with: Option<&BTreeMap<String, String>>, region: &str) -> Option<String> {
    let console = format!("https://{region}.console.aws.amazon.com");
    let known = |key: &str| ran_with.and_then(|all| all.get(key)).map(String::as_str).or_else(|| action.config(key));
    let config = |key: &str| known(key).unwrap_or_default();
    match action.provider()? {
        Provider::CodeCommitSource => Some(format!(
            "{console}/codecommit/home#/repository/{}/browse/{}/--/",
            config("RepositoryName"),
            config("BranchName")
        )),
        Provider::ConnectionSource => Some(format!(
            "{console}/codesuite/settings/connections/redirect?connectionArn={}&referenceType=BRANCH&FullRepositoryId={}&Branch={}",
            config("ConnectionArn"),
            config("FullRepositoryId"),
            config("BranchName")
        )),
        Provider::GitHubSource => {
            Some(format!("https://github.com/{}/{}/tree/{}", config("Owner"), config("Repo"), config("Branch")))
        }
        Provider::S3Source => Some(format!("https://console.aws.amazon.com/s3/home?#/buckets/{}", config("S3Bucket"))),
        Provider::CodeBuild => Some(format!("{console}/codebuild/home?#/projects/{}/view", config("ProjectName"))),
        // There is no page about them.
        Provider::Commands => None,
        Provider::ManualApproval => known("ExternalEntityLink").map(str::to_owned),
        Provider::S3Deploy => {
            Some(format!("https://console.aws.amazon.com/s3/home?#/buckets/{}", config("BucketName")))
        }
        // The type of a job worker has a template.
        Provider::Worker | Provider::Call => None,
        Provider::Pipeline => Some(pipeline_url(region, known("PipelineName")?)),
    }
}

/// One action execution of an execution.
pub(super) fn action_detail(state: &ExecutionState, stage: &str, run: &ActionRun) -> Option<ActionDetail> {
    let declared = state.definition.stage(stage)?.action(run.declared_name())?;
    let (outputs, variables) = match &run.status {
        ActionStatus::Succeeded { outputs, variables } => (artifacts(outputs), variables.clone()),
        ActionStatus::Working
        | ActionStatus::AwaitingApproval { .. }
        | ActionStatus::Failed(_)
        | ActionStatus::Abandoned => (Vec::new(), BTreeMap::new()),
    };
    Some(ActionDetail {
        pipeline_execution_id: state.id.clone(),
        action_execution_id: run.id.clone(),
        pipeline_version: state.version,
        stage_name: stage.to_owned(),
        action_name: run.name.clone(),
        start_time: run.started,
        last_update_time: run.updated,
        updated_by: run.external.by.clone(),
        status: run.status.as_str(),
        input: ActionInput {
            action_type_id: declared.action_type_id.clone(),
            configuration: shown(&declared.configuration),
            resolved_configuration: shown(&run.configuration(declared)),
            role_arn: declared.role_arn.clone(),
            region: declared.region.clone().unwrap_or_else(|| state.scope.region.to_string()),
            input_artifacts: artifacts(&run.inputs),
            namespace: declared.namespace.clone(),
        },
        output: ActionOutput { output_artifacts: outputs, execution_result: result(run), output_variables: variables },
    })
}

/// A configuration without its secrets.
fn shown(configuration: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut shown = configuration.clone();
    secrets::mask(&mut shown);
    shown
}

fn result(run: &ActionRun) -> Option<ExecutionResult> {
    let mut external = run.external.clone();
    // An execution of another mode may wait in a pipeline that is in mode PARALLEL by now, whose state shows no tokens.
    if let (None, ActionStatus::AwaitingApproval { token }) = (&external.id, &run.status) {
        external.id = Some(token.clone());
    }
    let log_stream_arn = external.log_stream.clone();
    traces(&external, details(&run.status)).map(|result| ExecutionResult { log_stream_arn, ..result })
}

pub(super) fn rule_result(run: &RuleRun) -> Option<ExecutionResult> {
    traces(&run.external, rule_error(&run.status))
}

pub(super) fn rule_error(status: &RuleStatus) -> Option<ErrorDetails> {
    match status {
        RuleStatus::Failed(e) => Some(ErrorDetails { code: e.code.clone(), message: e.message.clone() }),
        RuleStatus::Working | RuleStatus::Succeeded | RuleStatus::Abandoned => None,
    }
}

fn traces(external: &External, error_details: Option<ErrorDetails>) -> Option<ExecutionResult> {
    let nothing =
        external.id.is_none() && external.summary.is_none() && external.url.is_none() && error_details.is_none();
    (!nothing).then(|| ExecutionResult {
        external_execution_id: external.id.clone(),
        external_execution_summary: external.summary.clone(),
        external_execution_url: external.url.clone(),
        error_details,
        log_stream_arn: None,
    })
}

pub(super) fn artifacts(artifacts: &[Artifact]) -> Vec<ArtifactDetail> {
    let detail = |a: &Artifact| ArtifactDetail {
        name: a.name.clone(),
        s3location: S3Location { bucket: a.bucket.clone(), key: a.key.clone() },
    };
    artifacts.iter().map(detail).collect()
}

fn error(status: &ActionStatus) -> Option<&ActionError> {
    match status {
        ActionStatus::Failed(error) => Some(error),
        ActionStatus::Working
        | ActionStatus::AwaitingApproval { .. }
        | ActionStatus::Succeeded { .. }
        | ActionStatus::Abandoned => None,
    }
}

fn details(status: &ActionStatus) -> Option<ErrorDetails> {
    error(status).map(|e| ErrorDetails { code: e.code.clone(), message: e.message.clone() })
}
