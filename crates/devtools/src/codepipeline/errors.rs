//! The modelled errors that these operations give.

use base::{ApiError, Scope};
use engine::job::JobRefusal;
use formats::pipeline::{ActionTypeId, Problem};
use store::AdvanceError;

/// Every code that these operations use.
pub const CODES: &[&str] = &[
    "ActionExecutionNotFoundException",
    "ActionNotFoundException",
    "ActionTypeNotFoundException",
    "ApprovalAlreadyCompletedException",
    "ConcurrentPipelineExecutionsLimitExceededException",
    "ConditionNotOverridableException",
    "ConflictException",
    "DuplicatedStopRequestException",
    "InvalidActionDeclarationException",
    "InvalidApprovalTokenException",
    "InvalidArnException",
    "InvalidBlockerDeclarationException",
    "InvalidJobStateException",
    "InvalidNextTokenException",
    "InvalidNonceException",
    "InvalidStageDeclarationException",
    "InvalidStructureException",
    "InvalidTagsException",
    "InvalidWebhookAuthenticationParametersException",
    "InvalidWebhookFilterPatternException",
    "JobNotFoundException",
    "LimitExceededException",
    "NotLatestPipelineExecutionException",
    "OutputVariablesSizeExceededException",
    "PipelineExecutionNotFoundException",
    "PipelineExecutionNotStoppableException",
    "PipelineExecutionOutdatedException",
    "PipelineNameInUseException",
    "PipelineNotFoundException",
    "PipelineVersionNotFoundException",
    "ResourceNotFoundException",
    "StageNotFoundException",
    "StageNotRetryableException",
    "TooManyTagsException",
    "UnableToRollbackStageException",
    "ValidationException",
    "WebhookNotFoundException",
];

pub(super) fn problem(problem: &Problem) -> ApiError {
    ApiError::new(problem.code(), problem.message.clone())
}

pub(super) fn role_not_assumable(role: &str) -> ApiError {
    ApiError::new(
        "InvalidStructureException",
        format!("CodePipeline is not authorized to perform AssumeRole on role {role}"),
    )
}

/// Deviation: a pipeline with such a role is refused when it is made.
pub(super) fn role_of_another_account(role: &str) -> ApiError {
    let what = format!("The role {role} is of another account: actions in other accounts are not available");
    ApiError::new("InvalidActionDeclarationException", what)
}

pub(super) fn pipeline_not_found(scope: &Scope, name: &str) -> ApiError {
    ApiError::new(
        "PipelineNotFoundException",
        format!("Account '{}' does not have a pipeline with name '{name}'", scope.account),
    )
}

pub(super) fn version_not_found(scope: &Scope, name: &str, version: u32) -> ApiError {
    ApiError::new(
        "PipelineVersionNotFoundException",
        format!("Account '{}' does not have a pipeline with name '{name}' and version '{version}'", scope.account),
    )
}

pub(super) fn name_in_use(scope: &Scope, name: &str) -> ApiError {
    ApiError::new(
        "PipelineNameInUseException",
        format!("A pipeline with the name '{name}' already exists in account '{}'", scope.account),
    )
}

pub(super) fn execution_not_found(pipeline: &str, id: &str) -> ApiError {
    ApiError::new(
        "PipelineExecutionNotFoundException",
        format!("Pipeline '{pipeline}' does not have an execution with id '{id}'"),
    )
}

pub(super) fn stage_not_found(pipeline: &str, stage: &str) -> ApiError {
    ApiError::new("StageNotFoundException", format!("Pipeline '{pipeline}' does not have a stage with name '{stage}'"))
}

pub(super) fn busy(pipeline: &str) -> ApiError {
    ApiError::new(
        "ConflictException",
        format!("Pipeline '{pipeline}' is busy handling ongoing activities. Try again later."),
    )
}

pub(super) fn not_latest(pipeline: &str, stage: &str, id: &str) -> ApiError {
    ApiError::new(
        "NotLatestPipelineExecutionException",
        format!("Pipeline execution '{id}' is not the latest in stage '{stage}' of pipeline '{pipeline}'"),
    )
}

pub(super) fn not_retryable(stage: &str, why: &str) -> ApiError {
    ApiError::new("StageNotRetryableException", format!("Stage '{stage}' cannot be retried: {why}"))
}

pub(super) fn not_overridable(stage: &str, why: &str) -> ApiError {
    ApiError::new(
        "ConditionNotOverridableException",
        format!("The condition of stage '{stage}' cannot be overridden: {why}"),
    )
}

pub(super) fn outdated(target: &str) -> ApiError {
    ApiError::new(
        "PipelineExecutionOutdatedException",
        format!(
            "Pipeline execution '{target}' was started with another version of the pipeline and cannot be rolled back to"
        ),
    )
}

pub(super) fn unable_to_roll_back(stage: &str, why: &str) -> ApiError {
    ApiError::new("UnableToRollbackStageException", format!("Stage '{stage}' cannot be rolled back: {why}"))
}

pub(super) fn action_not_found(stage: &str, action: &str) -> ApiError {
    ApiError::new("ActionNotFoundException", format!("Stage '{stage}' does not have an action with name '{action}'"))
}

pub(super) fn too_many_executions(pipeline: &str, limit: u32) -> ApiError {
    ApiError::new(
        "ConcurrentPipelineExecutionsLimitExceededException",
        format!("Pipeline '{pipeline}' has reached the limit of {limit} concurrent pipeline executions"),
    )
}

pub(super) fn webhook_not_found(scope: &Scope, name: &str) -> ApiError {
    ApiError::new(
        "WebhookNotFoundException",
        format!("Account '{}' does not have a webhook with name '{name}'", scope.account),
    )
}

pub(super) fn invalid_token() -> ApiError {
    ApiError::new("InvalidNextTokenException", "The next token was specified in an invalid format.")
}

pub(super) fn validation(message: impl Into<String>) -> ApiError {
    ApiError::new("ValidationException", message)
}

pub(super) fn action_type_not_found(id: &ActionTypeId) -> ApiError {
    ApiError::new("ActionTypeNotFoundException", format!("{} does not exist", named(id)))
}

/// Partners' action types, which many accounts use, do not exist here.
pub(super) fn no_partners(id: &ActionTypeId) -> ApiError {
    ApiError::new(
        "ActionTypeNotFoundException",
        format!(
            "{} is not offered by a partner: there are no partners here. ListActionTypes shows the action types that there \
             are, and CreateCustomActionType makes one whose jobs your own workers poll for.",
            named(id)
        ),
    )
}

pub(super) fn no_partners_job(id: &str) -> ApiError {
    ApiError::new(
        "JobNotFoundException",
        format!(
            "There is no third-party job with id '{id}': there are no partners here, and so no jobs of theirs. Jobs of \
             custom action types are had with PollForJobs."
        ),
    )
}

fn named(id: &ActionTypeId) -> String {
    format!(
        "ActionType (Category: '{}', Provider: '{}', Owner: '{}', Version: '{}')",
        id.category, id.provider, id.owner, id.version
    )
}

pub(super) fn job_not_found(id: &str) -> ApiError {
    ApiError::new("JobNotFoundException", format!("There is no job with id '{id}' whose result is waited for"))
}

pub(super) fn invalid_job_state(status: &str) -> ApiError {
    ApiError::new("InvalidJobStateException", format!("The job is {status}: it takes no result in this state"))
}

/// What a job says to a result.
pub(super) fn job_refused(error: AdvanceError<JobRefusal>) -> ApiError {
    match error {
        AdvanceError::Store(e) => e.into(),
        AdvanceError::Refused(JobRefusal::NotInProgress { status } | JobRefusal::NotQueued { status }) => {
            invalid_job_state(&status)
        }
        AdvanceError::Refused(JobRefusal::WrongNonce | JobRefusal::Ended) => invalid_job_state("over"),
        AdvanceError::NotFound => ApiError::new("JobNotFoundException", "The job does not exist"),
    }
}
