//! A file per table: row types and the SQL that touches them.

pub mod codebuild_log_cursor;
pub mod codebuild_project;
pub mod codebuild_token;
pub mod codecommit_ref;
pub mod codecommit_repository;
pub mod codepipeline_declaration;
pub mod codepipeline_pipeline;
pub mod codepipeline_source;
pub mod iam_access_key;
pub mod iam_account;
pub mod iam_attachment;
pub mod iam_inline_policy;
pub mod iam_policy;
pub mod iam_role;
pub mod iam_service_credential;
pub mod iam_user;
mod json;
pub mod logs_event;
pub mod logs_group;
pub mod logs_stream;
pub mod s3_bucket;
pub mod s3_part;
pub mod s3_upload;
pub mod s3_version;
pub mod sts_session;
use json::json;
