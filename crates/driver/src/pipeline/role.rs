//! What is done in the name of an action's role.
//!
//! An action does all it does as its role, and without one of its own as the pipeline's: CodePipeline must be able to assume that,
//! and it must be allowed each call (User Guide, "Manage the CodePipeline service role" and the reference of each action). What
//! a build, a job or another pipeline does then is decided by roles of theirs.
//!
//! Deviation: an action's own role may trust CodePipeline itself; then it is not assumed through the pipeline's role.

use base::{ApiError, Arn, ErrorKind};
use engine::pipeline::{GitHost, RunAction, Work};
use platform::needs::Need;
use platform::sts::assume_role::{self, check_assume_role};
use platform::{Cx, iam};
use store::outbox::Claimed;

use super::Trouble;

/// The context in which the work of an action is done: a session of its role, or of the pipeline's.
pub(super) async fn acting(cx: &Cx, claimed: &Claimed, run: &RunAction) -> Result<Cx, Trouble> {
    let is_elsewhere =
        |role: &&String| Arn::parse(role).is_some_and(|arn| arn.account != claimed.scope.account.as_str());
    if let Some(role) = [Some(&run.role_arn), run.assumed_through.as_ref()].into_iter().flatten().find(is_elsewhere) {
        let message = format!("{}: it is of another account than the pipeline", not_assumed(role));
        return Err(Trouble::Users { code: "PermissionError", message });
    }
    let session = format!("{}{}", iam::ACTION_SESSION, run.id);
    let acting = iam::as_session(cx, cx.scope(), &run.role_arn, &session).await;
    let acting = acting.map_err(|e| Trouble::of("look up the role of an action", e))?;
    // Roles that tests name need not exist.
    if cx.site.test_mode && iam::is_nobody(&acting) {
        return Ok(cx.clone());
    }
    let service = cx.as_service("codepipeline", cx.scope());
    let of_pipeline = Some(claimed.scope.arn("codepipeline", run.pipeline.as_str()).to_string());
    let asked =
        |role: &str| assume_role::Input { source_arn: of_pipeline.clone(), ..assume_role::Input::new(role, &session) };
    let by_service = check_assume_role(&service, &asked(&run.role_arn)).await;
    let assumed = match (by_service, &run.assumed_through) {
        (Err(e), Some(through)) if e.kind == ErrorKind::Client => {
            match check_assume_role(&service, &asked(through)).await {
                Ok(()) => by_pipeline(cx, through, &run.role_arn, &session).await,
                refused => refused,
            }
        }
        (by_service, _) => by_service,
    };
    assumed.map_err(|e| refused(&not_assumed(&run.role_arn), "assume the role of an action", e))?;
    iam::with_rights(acting).await.map_err(|e| Trouble::of("read the policies of a role", e))
}

fn not_assumed(role: &str) -> String {
    format!("CodePipeline is not authorized to perform AssumeRole on role {role}")
}

/// The use of a connection for one repository.
pub(crate) fn use_connection(connection: &str, repository: &str) -> Need {
    let service = connection.split(':').nth(2).unwrap_or_default();
    let mut need = Need::new(format!("{service}:UseConnection"), connection);
    // A policy may have either name of the service.
    for service in ["codeconnections", "codestar-connections"] {
        need.context.push((format!("{service}:fullrepositoryid"), repository.to_owned()));
    }
    need
}

/// Whether an action's role can be had through the pipeline's.
async fn by_pipeline(cx: &Cx, through: &str, role: &str, session: &str) -> Result<(), ApiError> {
    let pipeline = iam::as_session(cx, cx.scope(), through, session).await?;
    iam::authorize(&pipeline, &[Need::new("sts:AssumeRole", role)]).await?;
    check_assume_role(&pipeline, &assume_role::Input::new(role, session)).await
}

/// Whether whoever acts may have the calls made that the work begins with. What it reads and writes in S3 is decided as it does.
pub(super) async fn permitted(acting: &Cx, work: &Work) -> Result<(), Trouble> {
    match work {
        Work::CodeCommitSource { repository, clone_ref, .. } => {
            let archive = ["codecommit:UploadArchive", "codecommit:GetUploadArchiveStatus"];
            let calls = ["codecommit:GetBranch", "codecommit:GetCommit"];
            let calls = calls.into_iter().chain(archive.into_iter().filter(|_| !clone_ref));
            let resource = acting.arn("codecommit", repository.as_str()).to_string();
            let needs: Vec<Need> = calls.map(|call| Need::new(call, &resource)).collect();
            let what = lacking(&format!("access the AWS CodeCommit repository named {repository}"));
            ask(acting, &needs, &what).await
        }
        Work::GitSource { host: GitHost::Connection(arn), repository, .. } => {
            let what = lacking(&format!("use the connection {arn}"));
            ask(acting, &[use_connection(arn, repository)], &what).await
        }
        Work::CodeBuild { project, batch, commands: None, .. } => {
            let call = if batch.is_some() { "StartBuildBatch" } else { "StartBuild" };
            let resource = acting.arn("codebuild", format!("project/{project}")).to_string();
            let what = format!("Error calling {}", if batch.is_some() { "startBuildBatch" } else { "startBuild" });
            ask(acting, &[Need::new(format!("codebuild:{call}"), resource)], &what).await
        }
        Work::InvokePipeline { pipeline, .. } => {
            let resource = acting.arn("codepipeline", pipeline.as_str()).to_string();
            let need = Need::new("codepipeline:StartPipelineExecution", resource);
            ask(acting, &[need], "Error calling startPipelineExecution").await
        }
        // These have roles of their own, or fail for want of the operation.
        Work::CodeBuild { commands: Some(_), .. }
        | Work::GitSource { host: GitHost::GitHub, .. }
        | Work::ReadMatrix(_)
        | Work::S3Source { .. }
        | Work::S3Deploy { .. }
        | Work::Worker { .. }
        | Work::Call { .. }
        | Work::CloudWatchAlarm { .. }
        | Work::LambdaInvoke { .. } => Ok(()),
    }
}

async fn ask(acting: &Cx, needs: &[Need], what: &str) -> Result<(), Trouble> {
    iam::authorize(acting, needs).await.map_err(|e| refused(what, "decide on the role of an action", e))
}

/// What a call to S3 on this bucket came to.
pub(super) fn of_bucket(bucket: &str, doing: &str, error: ApiError) -> Trouble {
    match error.code {
        "AccessDenied" => refused(&lacking(&format!("access the Amazon S3 bucket named {bucket}")), doing, error),
        _ => Trouble::of(doing, error),
    }
}

/// In AWS's words.
fn lacking(what: &str) -> String {
    format!(
        "The service role or action role doesn\u{2019}t have the permissions required to {what}. Update the IAM role permissions, \
         and then try again. Error"
    )
}

fn refused(what: &str, doing: &str, error: ApiError) -> Trouble {
    match error.kind {
        ErrorKind::Client => {
            Trouble::Users { code: "PermissionError", message: format!("{what}: {} ({})", error.message, error.code) }
        }
        ErrorKind::Server => Trouble::of(doing, error),
    }
}
