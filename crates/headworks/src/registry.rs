//! Every operation that we implement: one line each, in the order of services and names. What is not here
//! answers with an error that names it.

use std::collections::HashMap;
use std::sync::LazyLock;

use base::ApiError;
use futures_util::future::BoxFuture;
use platform::needs::{Asked, Need};
use platform::{ByteStream, Cx};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

type Answer<T> = BoxFuture<'static, Result<T, ApiError>>;

/// How an operation is called; all values are canonical JSON.
#[derive(Clone, Copy)]
pub enum Handler {
    Plain(fn(Cx, Value) -> Answer<Value>),
    /// The request's payload arrives as a stream.
    Upload(fn(Cx, Value, ByteStream) -> Answer<Value>),
    /// The answer's payload leaves as a stream.
    Download(fn(Cx, Value) -> Answer<(Value, ByteStream)>),
}

/// One implemented operation.
pub struct Entry {
    /// The model's name, `codebuild` say.
    pub service: &'static str,
    /// The operation as AWS spells it.
    pub operation: &'static str,
    pub handler: Handler,
}

macro_rules! plain {
    ($service:literal, $operation:literal, $f:path) => {
        Entry {
            service: $service,
            operation: $operation,
            handler: Handler::Plain(|cx, input| Box::pin(async move { output($f(&cx, parse(input)?).await?) })),
        }
    };
}

macro_rules! upload {
    ($service:literal, $operation:literal, $f:path) => {
        Entry {
            service: $service,
            operation: $operation,
            handler: Handler::Upload(|cx, input, body| {
                Box::pin(async move { output($f(&cx, parse(input)?, body).await?) })
            }),
        }
    };
}

macro_rules! download {
    ($service:literal, $operation:literal, $f:path) => {
        Entry {
            service: $service,
            operation: $operation,
            handler: Handler::Download(|cx, input| {
                Box::pin(async move {
                    let (head, body) = $f(&cx, parse(input)?).await?;
                    Ok((output(head)?, body))
                })
            }),
        }
    };
}

/// The operations. Keep one line each, sorted.
#[rustfmt::skip]
pub static OPERATIONS: &[Entry] = &[
    plain!("codebuild", "BatchDeleteBuilds", devtools::codebuild::batch_delete_builds),
    plain!("codebuild", "BatchGetBuildBatches", devtools::codebuild::batch_get_build_batches),
    plain!("codebuild", "BatchGetBuilds", devtools::codebuild::batch_get_builds),
    plain!("codebuild", "BatchGetCommandExecutions", devtools::codebuild::batch_get_command_executions),
    plain!("codebuild", "BatchGetFleets", devtools::codebuild::batch_get_fleets),
    plain!("codebuild", "BatchGetProjects", devtools::codebuild::batch_get_projects),
    plain!("codebuild", "BatchGetReportGroups", devtools::codebuild::batch_get_report_groups),
    plain!("codebuild", "BatchGetReports", devtools::codebuild::batch_get_reports),
    plain!("codebuild", "BatchGetSandboxes", devtools::codebuild::batch_get_sandboxes),
    plain!("codebuild", "CreateFleet", devtools::codebuild::create_fleet),
    plain!("codebuild", "CreateProject", devtools::codebuild::create_project),
    plain!("codebuild", "CreateReportGroup", devtools::codebuild::create_report_group),
    plain!("codebuild", "CreateWebhook", devtools::codebuild::create_webhook),
    plain!("codebuild", "DeleteBuildBatch", devtools::codebuild::delete_build_batch),
    plain!("codebuild", "DeleteFleet", devtools::codebuild::delete_fleet),
    plain!("codebuild", "DeleteProject", devtools::codebuild::delete_project),
    plain!("codebuild", "DeleteReport", devtools::codebuild::delete_report),
    plain!("codebuild", "DeleteReportGroup", devtools::codebuild::delete_report_group),
    plain!("codebuild", "DeleteResourcePolicy", devtools::codebuild::delete_resource_policy),
    plain!("codebuild", "DeleteSourceCredentials", devtools::codebuild::delete_source_credentials),
    plain!("codebuild", "DeleteWebhook", devtools::codebuild::delete_webhook),
    plain!("codebuild", "DescribeCodeCoverages", devtools::codebuild::describe_code_coverages),
    plain!("codebuild", "DescribeTestCases", devtools::codebuild::describe_test_cases),
    plain!("codebuild", "GetReportGroupTrend", devtools::codebuild::get_report_group_trend),
    plain!("codebuild", "GetResourcePolicy", devtools::codebuild::get_resource_policy),
    plain!("codebuild", "ImportSourceCredentials", devtools::codebuild::import_source_credentials),
    plain!("codebuild", "InvalidateProjectCache", devtools::codebuild::invalidate_project_cache),
    plain!("codebuild", "ListBuildBatches", devtools::codebuild::list_build_batches),
    plain!("codebuild", "ListBuildBatchesForProject", devtools::codebuild::list_build_batches_for_project),
    plain!("codebuild", "ListBuilds", devtools::codebuild::list_builds),
    plain!("codebuild", "ListBuildsForProject", devtools::codebuild::list_builds_for_project),
    plain!("codebuild", "ListCommandExecutionsForSandbox", devtools::codebuild::list_command_executions_for_sandbox),
    plain!("codebuild", "ListCuratedEnvironmentImages", devtools::codebuild::list_curated_environment_images),
    plain!("codebuild", "ListFleets", devtools::codebuild::list_fleets),
    plain!("codebuild", "ListProjects", devtools::codebuild::list_projects),
    plain!("codebuild", "ListReportGroups", devtools::codebuild::list_report_groups),
    plain!("codebuild", "ListReports", devtools::codebuild::list_reports),
    plain!("codebuild", "ListReportsForReportGroup", devtools::codebuild::list_reports_for_report_group),
    plain!("codebuild", "ListSandboxes", devtools::codebuild::list_sandboxes),
    plain!("codebuild", "ListSandboxesForProject", devtools::codebuild::list_sandboxes_for_project),
    plain!("codebuild", "ListSharedProjects", devtools::codebuild::list_shared_projects),
    plain!("codebuild", "ListSharedReportGroups", devtools::codebuild::list_shared_report_groups),
    plain!("codebuild", "ListSourceCredentials", devtools::codebuild::list_source_credentials),
    plain!("codebuild", "PutResourcePolicy", devtools::codebuild::put_resource_policy),
    plain!("codebuild", "RetryBuild", devtools::codebuild::retry_build),
    plain!("codebuild", "RetryBuildBatch", devtools::codebuild::retry_build_batch),
    plain!("codebuild", "StartBuild", devtools::codebuild::start_build),
    plain!("codebuild", "StartBuildBatch", devtools::codebuild::start_build_batch),
    plain!("codebuild", "StartCommandExecution", devtools::codebuild::start_command_execution),
    plain!("codebuild", "StartSandbox", devtools::codebuild::start_sandbox),
    plain!("codebuild", "StartSandboxConnection", devtools::codebuild::start_sandbox_connection),
    plain!("codebuild", "StopBuild", devtools::codebuild::stop_build),
    plain!("codebuild", "StopBuildBatch", devtools::codebuild::stop_build_batch),
    plain!("codebuild", "StopSandbox", devtools::codebuild::stop_sandbox),
    plain!("codebuild", "UpdateFleet", devtools::codebuild::update_fleet),
    plain!("codebuild", "UpdateProject", devtools::codebuild::update_project),
    plain!("codebuild", "UpdateProjectVisibility", devtools::codebuild::update_project_visibility),
    plain!("codebuild", "UpdateReportGroup", devtools::codebuild::update_report_group),
    plain!("codebuild", "UpdateWebhook", devtools::codebuild::update_webhook),
    plain!("codecommit", "BatchGetCommits", devtools::codecommit::batch_get_commits),
    plain!("codecommit", "BatchGetRepositories", devtools::codecommit::batch_get_repositories),
    plain!("codecommit", "CreateBranch", devtools::codecommit::create_branch),
    plain!("codecommit", "CreateCommit", devtools::codecommit::create_commit),
    plain!("codecommit", "CreateRepository", devtools::codecommit::create_repository),
    plain!("codecommit", "DeleteBranch", devtools::codecommit::delete_branch),
    plain!("codecommit", "DeleteFile", devtools::codecommit::delete_file),
    plain!("codecommit", "DeleteRepository", devtools::codecommit::delete_repository),
    plain!("codecommit", "GetBlob", devtools::codecommit::get_blob),
    plain!("codecommit", "GetBranch", devtools::codecommit::get_branch),
    plain!("codecommit", "GetCommit", devtools::codecommit::get_commit),
    plain!("codecommit", "GetDifferences", devtools::codecommit::get_differences),
    plain!("codecommit", "GetFile", devtools::codecommit::get_file),
    plain!("codecommit", "GetFolder", devtools::codecommit::get_folder),
    plain!("codecommit", "GetRepository", devtools::codecommit::get_repository),
    plain!("codecommit", "ListBranches", devtools::codecommit::list_branches),
    plain!("codecommit", "ListRepositories", devtools::codecommit::list_repositories),
    plain!("codecommit", "ListTagsForResource", devtools::codecommit::list_tags_for_resource),
    plain!("codecommit", "PutFile", devtools::codecommit::put_file),
    plain!("codecommit", "TagResource", devtools::codecommit::tag_resource),
    plain!("codecommit", "UntagResource", devtools::codecommit::untag_resource),
    plain!("codecommit", "UpdateDefaultBranch", devtools::codecommit::update_default_branch),
    plain!("codecommit", "UpdateRepositoryDescription", devtools::codecommit::update_repository_description),
    plain!("codecommit", "UpdateRepositoryName", devtools::codecommit::update_repository_name),
    plain!("codeconnections", "CreateConnection", devtools::codeconnections::create_connection::<devtools::codeconnections::CodeConnections>),
    plain!("codeconnections", "CreateHost", devtools::codeconnections::create_host::<devtools::codeconnections::CodeConnections>),
    plain!("codeconnections", "DeleteConnection", devtools::codeconnections::delete_connection),
    plain!("codeconnections", "DeleteHost", devtools::codeconnections::delete_host),
    plain!("codeconnections", "GetConnection", devtools::codeconnections::get_connection),
    plain!("codeconnections", "GetHost", devtools::codeconnections::get_host),
    plain!("codeconnections", "ListConnections", devtools::codeconnections::list_connections),
    plain!("codeconnections", "ListHosts", devtools::codeconnections::list_hosts),
    plain!("codeconnections", "ListTagsForResource", devtools::codeconnections::list_tags_for_resource),
    plain!("codeconnections", "TagResource", devtools::codeconnections::tag_resource),
    plain!("codeconnections", "UntagResource", devtools::codeconnections::untag_resource),
    plain!("codeconnections", "UpdateHost", devtools::codeconnections::update_host),
    plain!("codepipeline", "AcknowledgeJob", devtools::codepipeline::acknowledge_job),
    plain!("codepipeline", "AcknowledgeThirdPartyJob", devtools::codepipeline::acknowledge_third_party_job),
    plain!("codepipeline", "CreateCustomActionType", devtools::codepipeline::create_custom_action_type),
    plain!("codepipeline", "CreatePipeline", devtools::codepipeline::create_pipeline),
    plain!("codepipeline", "DeleteCustomActionType", devtools::codepipeline::delete_custom_action_type),
    plain!("codepipeline", "DeletePipeline", devtools::codepipeline::delete_pipeline),
    plain!("codepipeline", "DeleteWebhook", devtools::codepipeline::delete_webhook),
    plain!("codepipeline", "DeregisterWebhookWithThirdParty", devtools::codepipeline::deregister_webhook_with_third_party),
    plain!("codepipeline", "DisableStageTransition", devtools::codepipeline::disable_stage_transition),
    plain!("codepipeline", "EnableStageTransition", devtools::codepipeline::enable_stage_transition),
    plain!("codepipeline", "GetActionType", devtools::codepipeline::get_action_type),
    plain!("codepipeline", "GetJobDetails", devtools::codepipeline::get_job_details),
    plain!("codepipeline", "GetPipeline", devtools::codepipeline::get_pipeline),
    plain!("codepipeline", "GetPipelineExecution", devtools::codepipeline::get_pipeline_execution),
    plain!("codepipeline", "GetPipelineState", devtools::codepipeline::get_pipeline_state),
    plain!("codepipeline", "GetThirdPartyJobDetails", devtools::codepipeline::get_third_party_job_details),
    plain!("codepipeline", "ListActionExecutions", devtools::codepipeline::list_action_executions),
    plain!("codepipeline", "ListActionTypes", devtools::codepipeline::list_action_types),
    plain!("codepipeline", "ListDeployActionExecutionTargets", devtools::codepipeline::list_deploy_action_execution_targets),
    plain!("codepipeline", "ListPipelineExecutions", devtools::codepipeline::list_pipeline_executions),
    plain!("codepipeline", "ListPipelines", devtools::codepipeline::list_pipelines),
    plain!("codepipeline", "ListRuleExecutions", devtools::codepipeline::list_rule_executions),
    plain!("codepipeline", "ListRuleTypes", devtools::codepipeline::list_rule_types),
    plain!("codepipeline", "ListTagsForResource", devtools::codepipeline::list_tags_for_resource),
    plain!("codepipeline", "ListWebhooks", devtools::codepipeline::list_webhooks),
    plain!("codepipeline", "OverrideStageCondition", devtools::codepipeline::override_stage_condition),
    plain!("codepipeline", "PollForJobs", devtools::codepipeline::poll_for_jobs),
    plain!("codepipeline", "PollForThirdPartyJobs", devtools::codepipeline::poll_for_third_party_jobs),
    plain!("codepipeline", "PutActionRevision", devtools::codepipeline::put_action_revision),
    plain!("codepipeline", "PutApprovalResult", devtools::codepipeline::put_approval_result),
    plain!("codepipeline", "PutJobFailureResult", devtools::codepipeline::put_job_failure_result),
    plain!("codepipeline", "PutJobSuccessResult", devtools::codepipeline::put_job_success_result),
    plain!("codepipeline", "PutThirdPartyJobFailureResult", devtools::codepipeline::put_third_party_job_failure_result),
    plain!("codepipeline", "PutThirdPartyJobSuccessResult", devtools::codepipeline::put_third_party_job_success_result),
    plain!("codepipeline", "PutWebhook", devtools::codepipeline::put_webhook),
    plain!("codepipeline", "RegisterWebhookWithThirdParty", devtools::codepipeline::register_webhook_with_third_party),
    plain!("codepipeline", "RetryStageExecution", devtools::codepipeline::retry_stage_execution),
    plain!("codepipeline", "RollbackStage", devtools::codepipeline::rollback_stage),
    plain!("codepipeline", "StartPipelineExecution", devtools::codepipeline::start_pipeline_execution),
    plain!("codepipeline", "StopPipelineExecution", devtools::codepipeline::stop_pipeline_execution),
    plain!("codepipeline", "TagResource", devtools::codepipeline::tag_resource),
    plain!("codepipeline", "UntagResource", devtools::codepipeline::untag_resource),
    plain!("codepipeline", "UpdateActionType", devtools::codepipeline::update_action_type),
    plain!("codepipeline", "UpdatePipeline", devtools::codepipeline::update_pipeline),
    plain!("codestar-connections", "CreateConnection", devtools::codeconnections::create_connection::<devtools::codeconnections::CodeStarConnections>),
    plain!("codestar-connections", "CreateHost", devtools::codeconnections::create_host::<devtools::codeconnections::CodeStarConnections>),
    plain!("codestar-connections", "DeleteConnection", devtools::codeconnections::delete_connection),
    plain!("codestar-connections", "DeleteHost", devtools::codeconnections::delete_host),
    plain!("codestar-connections", "GetConnection", devtools::codeconnections::get_connection),
    plain!("codestar-connections", "GetHost", devtools::codeconnections::get_host),
    plain!("codestar-connections", "ListConnections", devtools::codeconnections::list_connections),
    plain!("codestar-connections", "ListHosts", devtools::codeconnections::list_hosts),
    plain!("codestar-connections", "ListTagsForResource", devtools::codeconnections::list_tags_for_resource),
    plain!("codestar-connections", "TagResource", devtools::codeconnections::tag_resource),
    plain!("codestar-connections", "UntagResource", devtools::codeconnections::untag_resource),
    plain!("codestar-connections", "UpdateHost", devtools::codeconnections::update_host),
    plain!("codestar-notifications", "CreateNotificationRule", devtools::codestar_notifications::create_notification_rule),
    plain!("codestar-notifications", "DeleteNotificationRule", devtools::codestar_notifications::delete_notification_rule),
    plain!("codestar-notifications", "DeleteTarget", devtools::codestar_notifications::delete_target),
    plain!("codestar-notifications", "DescribeNotificationRule", devtools::codestar_notifications::describe_notification_rule),
    plain!("codestar-notifications", "ListEventTypes", devtools::codestar_notifications::list_event_types),
    plain!("codestar-notifications", "ListNotificationRules", devtools::codestar_notifications::list_notification_rules),
    plain!("codestar-notifications", "ListTagsForResource", devtools::codestar_notifications::list_tags_for_resource),
    plain!("codestar-notifications", "ListTargets", devtools::codestar_notifications::list_targets),
    plain!("codestar-notifications", "Subscribe", devtools::codestar_notifications::subscribe),
    plain!("codestar-notifications", "TagResource", devtools::codestar_notifications::tag_resource),
    plain!("codestar-notifications", "Unsubscribe", devtools::codestar_notifications::unsubscribe),
    plain!("codestar-notifications", "UntagResource", devtools::codestar_notifications::untag_resource),
    plain!("codestar-notifications", "UpdateNotificationRule", devtools::codestar_notifications::update_notification_rule),
    plain!("events", "DeleteRule", platform::events::delete_rule),
    plain!("events", "DescribeEventBus", platform::events::describe_event_bus),
    plain!("events", "DescribeRule", platform::events::describe_rule),
    plain!("events", "DisableRule", platform::events::disable_rule),
    plain!("events", "EnableRule", platform::events::enable_rule),
    plain!("events", "ListEventBuses", platform::events::list_event_buses),
    plain!("events", "ListRuleNamesByTarget", platform::events::list_rule_names_by_target),
    plain!("events", "ListRules", platform::events::list_rules),
    plain!("events", "ListTagsForResource", platform::events::list_tags_for_resource),
    plain!("events", "ListTargetsByRule", platform::events::list_targets_by_rule),
    plain!("events", "PutEvents", platform::events::put_events),
    plain!("events", "PutRule", platform::events::put_rule),
    plain!("events", "PutTargets", platform::events::put_targets),
    plain!("events", "RemoveTargets", platform::events::remove_targets),
    plain!("events", "TagResource", platform::events::tag_resource),
    plain!("events", "TestEventPattern", platform::events::test_event_pattern),
    plain!("events", "UntagResource", platform::events::untag_resource),
    plain!("iam", "AttachRolePolicy", platform::iam::attach_role_policy),
    plain!("iam", "AttachUserPolicy", platform::iam::attach_user_policy),
    plain!("iam", "CreateAccessKey", platform::iam::create_access_key),
    plain!("iam", "CreatePolicy", platform::iam::create_policy),
    plain!("iam", "CreatePolicyVersion", platform::iam::create_policy_version),
    plain!("iam", "CreateRole", platform::iam::create_role),
    plain!("iam", "CreateServiceSpecificCredential", platform::iam::create_service_specific_credential),
    plain!("iam", "CreateUser", platform::iam::create_user),
    plain!("iam", "DeleteAccessKey", platform::iam::delete_access_key),
    plain!("iam", "DeletePolicy", platform::iam::delete_policy),
    plain!("iam", "DeletePolicyVersion", platform::iam::delete_policy_version),
    plain!("iam", "DeleteRole", platform::iam::delete_role),
    plain!("iam", "DeleteRolePermissionsBoundary", platform::iam::delete_role_permissions_boundary),
    plain!("iam", "DeleteRolePolicy", platform::iam::delete_role_policy),
    plain!("iam", "DeleteServiceSpecificCredential", platform::iam::delete_service_specific_credential),
    plain!("iam", "DeleteUser", platform::iam::delete_user),
    plain!("iam", "DeleteUserPolicy", platform::iam::delete_user_policy),
    plain!("iam", "DetachRolePolicy", platform::iam::detach_role_policy),
    plain!("iam", "DetachUserPolicy", platform::iam::detach_user_policy),
    plain!("iam", "GetAccessKeyLastUsed", platform::iam::get_access_key_last_used),
    plain!("iam", "GetPolicy", platform::iam::get_policy),
    plain!("iam", "GetPolicyVersion", platform::iam::get_policy_version),
    plain!("iam", "GetRole", platform::iam::get_role),
    plain!("iam", "GetRolePolicy", platform::iam::get_role_policy),
    plain!("iam", "GetUser", platform::iam::get_user),
    plain!("iam", "GetUserPolicy", platform::iam::get_user_policy),
    plain!("iam", "ListAccessKeys", platform::iam::list_access_keys),
    plain!("iam", "ListAttachedRolePolicies", platform::iam::list_attached_role_policies),
    plain!("iam", "ListAttachedUserPolicies", platform::iam::list_attached_user_policies),
    plain!("iam", "ListEntitiesForPolicy", platform::iam::list_entities_for_policy),
    plain!("iam", "ListInstanceProfilesForRole", platform::iam::list_instance_profiles_for_role),
    plain!("iam", "ListPolicies", platform::iam::list_policies),
    plain!("iam", "ListPolicyVersions", platform::iam::list_policy_versions),
    plain!("iam", "ListRolePolicies", platform::iam::list_role_policies),
    plain!("iam", "ListRoleTags", platform::iam::list_role_tags),
    plain!("iam", "ListRoles", platform::iam::list_roles),
    plain!("iam", "ListServiceSpecificCredentials", platform::iam::list_service_specific_credentials),
    plain!("iam", "ListUserPolicies", platform::iam::list_user_policies),
    plain!("iam", "ListUserTags", platform::iam::list_user_tags),
    plain!("iam", "ListUsers", platform::iam::list_users),
    plain!("iam", "PutRolePermissionsBoundary", platform::iam::put_role_permissions_boundary),
    plain!("iam", "PutRolePolicy", platform::iam::put_role_policy),
    plain!("iam", "PutUserPolicy", platform::iam::put_user_policy),
    plain!("iam", "ResetServiceSpecificCredential", platform::iam::reset_service_specific_credential),
    plain!("iam", "SetDefaultPolicyVersion", platform::iam::set_default_policy_version),
    plain!("iam", "TagRole", platform::iam::tag_role),
    plain!("iam", "TagUser", platform::iam::tag_user),
    plain!("iam", "UntagRole", platform::iam::untag_role),
    plain!("iam", "UntagUser", platform::iam::untag_user),
    plain!("iam", "UpdateAccessKey", platform::iam::update_access_key),
    plain!("iam", "UpdateAssumeRolePolicy", platform::iam::update_assume_role_policy),
    plain!("iam", "UpdateRole", platform::iam::update_role),
    plain!("iam", "UpdateRoleDescription", platform::iam::update_role_description),
    plain!("iam", "UpdateServiceSpecificCredential", platform::iam::update_service_specific_credential),
    plain!("iam", "UpdateUser", platform::iam::update_user),
    plain!("iam", "UploadSSHPublicKey", platform::iam::upload_ssh_public_key),
    plain!("logs", "CreateLogGroup", platform::logs::create_log_group),
    plain!("logs", "CreateLogStream", platform::logs::create_log_stream),
    plain!("logs", "DeleteLogGroup", platform::logs::delete_log_group),
    plain!("logs", "DeleteLogStream", platform::logs::delete_log_stream),
    plain!("logs", "DeleteRetentionPolicy", platform::logs::delete_retention_policy),
    plain!("logs", "DescribeLogGroups", platform::logs::describe_log_groups),
    plain!("logs", "DescribeLogStreams", platform::logs::describe_log_streams),
    plain!("logs", "FilterLogEvents", platform::logs::filter_log_events),
    plain!("logs", "GetLogEvents", platform::logs::get_log_events),
    plain!("logs", "ListTagsForResource", platform::logs::list_tags_for_resource),
    plain!("logs", "ListTagsLogGroup", platform::logs::list_tags_log_group),
    plain!("logs", "PutLogEvents", platform::logs::put_log_events),
    plain!("logs", "PutRetentionPolicy", platform::logs::put_retention_policy),
    plain!("logs", "TagLogGroup", platform::logs::tag_log_group),
    plain!("logs", "TagResource", platform::logs::tag_resource),
    plain!("logs", "UntagLogGroup", platform::logs::untag_log_group),
    plain!("logs", "UntagResource", platform::logs::untag_resource),
    plain!("s3", "AbortMultipartUpload", platform::s3::abort_multipart_upload::abort_multipart_upload),
    plain!("s3", "CompleteMultipartUpload", platform::s3::complete_multipart_upload::complete_multipart_upload),
    plain!("s3", "CopyObject", platform::s3::copy_object::copy_object),
    plain!("s3", "CreateBucket", platform::s3::create_bucket::create_bucket),
    plain!("s3", "CreateMultipartUpload", platform::s3::create_multipart_upload::create_multipart_upload),
    plain!("s3", "DeleteBucket", platform::s3::delete_bucket::delete_bucket),
    plain!("s3", "DeleteBucketTagging", platform::s3::delete_bucket_tagging::delete_bucket_tagging),
    plain!("s3", "DeleteObject", platform::s3::delete_object::delete_object),
    plain!("s3", "DeleteObjectTagging", platform::s3::delete_object_tagging::delete_object_tagging),
    plain!("s3", "DeleteObjects", platform::s3::delete_objects::delete_objects),
    plain!("s3", "GetBucketAccelerateConfiguration", platform::s3::get_bucket_accelerate_configuration::get_bucket_accelerate_configuration),
    plain!("s3", "GetBucketAcl", platform::s3::get_bucket_acl::get_bucket_acl),
    plain!("s3", "GetBucketCors", platform::s3::get_bucket_cors::get_bucket_cors),
    plain!("s3", "GetBucketEncryption", platform::s3::get_bucket_encryption::get_bucket_encryption),
    plain!("s3", "GetBucketLifecycleConfiguration", platform::s3::get_bucket_lifecycle_configuration::get_bucket_lifecycle_configuration),
    plain!("s3", "GetBucketLocation", platform::s3::get_bucket_location::get_bucket_location),
    plain!("s3", "GetBucketLogging", platform::s3::get_bucket_logging::get_bucket_logging),
    plain!("s3", "GetBucketNotificationConfiguration", platform::s3::get_bucket_notification_configuration::get_bucket_notification_configuration),
    plain!("s3", "GetBucketOwnershipControls", platform::s3::get_bucket_ownership_controls::get_bucket_ownership_controls),
    plain!("s3", "GetBucketPolicy", platform::s3::get_bucket_policy::get_bucket_policy),
    plain!("s3", "GetBucketPolicyStatus", platform::s3::get_bucket_policy_status::get_bucket_policy_status),
    plain!("s3", "GetBucketReplication", platform::s3::get_bucket_replication::get_bucket_replication),
    plain!("s3", "GetBucketRequestPayment", platform::s3::get_bucket_request_payment::get_bucket_request_payment),
    plain!("s3", "GetBucketTagging", platform::s3::get_bucket_tagging::get_bucket_tagging),
    plain!("s3", "GetBucketVersioning", platform::s3::get_bucket_versioning::get_bucket_versioning),
    plain!("s3", "GetBucketWebsite", platform::s3::get_bucket_website::get_bucket_website),
    download!("s3", "GetObject", platform::s3::get_object::get_object),
    plain!("s3", "GetObjectAcl", platform::s3::get_object_acl::get_object_acl),
    plain!("s3", "GetObjectAttributes", platform::s3::get_object_attributes::get_object_attributes),
    plain!("s3", "GetObjectLockConfiguration", platform::s3::get_object_lock_configuration::get_object_lock_configuration),
    plain!("s3", "GetObjectTagging", platform::s3::get_object_tagging::get_object_tagging),
    plain!("s3", "GetPublicAccessBlock", platform::s3::get_public_access_block::get_public_access_block),
    plain!("s3", "HeadBucket", platform::s3::head_bucket::head_bucket),
    plain!("s3", "HeadObject", platform::s3::head_object::head_object),
    plain!("s3", "ListBuckets", platform::s3::list_buckets::list_buckets),
    plain!("s3", "ListMultipartUploads", platform::s3::list_multipart_uploads::list_multipart_uploads),
    plain!("s3", "ListObjectVersions", platform::s3::list_object_versions::list_object_versions),
    plain!("s3", "ListObjects", platform::s3::list_objects::list_objects),
    plain!("s3", "ListObjectsV2", platform::s3::list_objects_v2::list_objects_v2),
    plain!("s3", "ListParts", platform::s3::list_parts::list_parts),
    plain!("s3", "PutBucketTagging", platform::s3::put_bucket_tagging::put_bucket_tagging),
    plain!("s3", "PutBucketVersioning", platform::s3::put_bucket_versioning::put_bucket_versioning),
    upload!("s3", "PutObject", platform::s3::put_object::put_object),
    plain!("s3", "PutObjectTagging", platform::s3::put_object_tagging::put_object_tagging),
    upload!("s3", "UploadPart", platform::s3::upload_part::upload_part),
    plain!("s3", "UploadPartCopy", platform::s3::upload_part_copy::upload_part_copy),
    plain!("secretsmanager", "BatchGetSecretValue", platform::secretsmanager::batch_get_secret_value),
    plain!("secretsmanager", "CreateSecret", platform::secretsmanager::create_secret),
    plain!("secretsmanager", "DeleteSecret", platform::secretsmanager::delete_secret),
    plain!("secretsmanager", "DescribeSecret", platform::secretsmanager::describe_secret),
    plain!("secretsmanager", "GetRandomPassword", platform::secretsmanager::get_random_password),
    plain!("secretsmanager", "GetSecretValue", platform::secretsmanager::get_secret_value),
    plain!("secretsmanager", "ListSecretVersionIds", platform::secretsmanager::list_secret_version_ids),
    plain!("secretsmanager", "ListSecrets", platform::secretsmanager::list_secrets),
    plain!("secretsmanager", "PutSecretValue", platform::secretsmanager::put_secret_value),
    plain!("secretsmanager", "RestoreSecret", platform::secretsmanager::restore_secret),
    plain!("secretsmanager", "TagResource", platform::secretsmanager::tag_resource),
    plain!("secretsmanager", "UntagResource", platform::secretsmanager::untag_resource),
    plain!("secretsmanager", "UpdateSecret", platform::secretsmanager::update_secret),
    plain!("secretsmanager", "UpdateSecretVersionStage", platform::secretsmanager::update_secret_version_stage),
    plain!("ssm", "AddTagsToResource", platform::ssm::add_tags_to_resource),
    plain!("ssm", "DeleteParameter", platform::ssm::delete_parameter),
    plain!("ssm", "DeleteParameters", platform::ssm::delete_parameters),
    plain!("ssm", "DescribeParameters", platform::ssm::describe_parameters),
    plain!("ssm", "GetParameter", platform::ssm::get_parameter),
    plain!("ssm", "GetParameterHistory", platform::ssm::get_parameter_history),
    plain!("ssm", "GetParameters", platform::ssm::get_parameters),
    plain!("ssm", "GetParametersByPath", platform::ssm::get_parameters_by_path),
    plain!("ssm", "LabelParameterVersion", platform::ssm::label_parameter_version),
    plain!("ssm", "ListTagsForResource", platform::ssm::list_tags_for_resource),
    plain!("ssm", "PutParameter", platform::ssm::put_parameter),
    plain!("ssm", "RemoveTagsFromResource", platform::ssm::remove_tags_from_resource),
    plain!("ssm", "UnlabelParameterVersion", platform::ssm::unlabel_parameter_version),
    plain!("sts", "AssumeRole", platform::sts::assume_role),
    plain!("sts", "GetAccessKeyInfo", platform::sts::get_access_key_info),
    plain!("sts", "GetCallerIdentity", platform::sts::get_caller_identity),
    plain!("sts", "GetSessionToken", platform::sts::get_session_token),
];

type Table = fn(&Asked<'_>) -> Option<Vec<Need>>;

/// For each service the table of what its operations need.
static NEEDS: &[(&str, Table)] = &[
    ("codebuild", devtools::needs::codebuild::needs),
    ("codecommit", devtools::needs::codecommit::needs),
    ("codeconnections", devtools::needs::codeconnections::needs),
    ("codepipeline", devtools::needs::codepipeline::needs),
    ("codestar-connections", devtools::needs::codeconnections::needs),
    ("codestar-notifications", devtools::needs::codestar_notifications::needs),
    ("events", platform::needs::events::needs),
    ("iam", platform::needs::iam::needs),
    ("logs", platform::needs::logs::needs),
    ("s3", platform::needs::s3::needs),
    ("secretsmanager", platform::needs::secretsmanager::needs),
    ("ssm", platform::needs::ssm::needs),
    ("sts", platform::needs::sts::needs),
];

/// What a call of `service` needs, if its operation is listed.
pub fn needs(service: &str, asked: &Asked<'_>) -> Option<Vec<Need>> {
    let (_, table) = NEEDS.iter().find(|(name, _)| *name == service)?;
    table(asked)
}

/// The entry of an operation, if we have it.
pub fn find(service: &str, operation: &str) -> Option<&'static Entry> {
    static BY_NAME: LazyLock<HashMap<(&str, &str), &Entry>> =
        LazyLock::new(|| OPERATIONS.iter().map(|e| ((e.service, e.operation), e)).collect());
    BY_NAME.get(&(service, operation)).copied()
}

/// The wire has checked the input against the model, so a mismatch here is our bug.
fn parse<T: DeserializeOwned>(input: Value) -> Result<T, ApiError> {
    serde_json::from_value(input).map_err(ApiError::internal)
}

fn output<T: Serialize>(output: T) -> Result<Value, ApiError> {
    serde_json::to_value(output).map_err(ApiError::internal)
}
