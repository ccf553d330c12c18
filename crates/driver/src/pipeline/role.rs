//! What is done in the name of an action's role.
//!
//! An action that names a role of its own does all it does as that role: the role must be one that the pipeline's role, or
//! CodePipeline itself, may assume, and must be allowed each call (User Guide, "Manage the CodePipeline service role" and the
//! reference of each action). What a build, a job or another pipeline does then is decided by roles of theirs.

use base::{ApiError, ErrorKind};
use engine::pipeline::{GitHost, RunAction, Work};
use platform::needs::Need;
use platform::sts::assume_role::{self, check_assume_role};
use platform::{Cx, iam};

use super::Trouble;

/// The context in which the work of an action is done: the service's own, or a session of the action's role.
pub(super) async fn acting(cx: &Cx, run: &RunAction) -> Result<Cx, Trouble> {
    let Some(through) = &run.assumed_through else { return Ok(cx.clone()) };
    let session = format!("{}{}", iam::ACTION_SESSION, run.id);
    let acting = session_of(cx, &run.role_arn, &session).await?;
    // Roles that tests name need not exist.
    if cx.site.test_mode && iam::is_nobody(&acting) {
        return Ok(cx.clone());
    }
    let asked = assume_role::Input {
        role_arn: run.role_arn.clone(),
        role_session_name: session.clone(),
        duration_seconds: None,
        external_id: None,
        source_identity: None,
        others: serde_json::Map::new(),
    };
    if check_assume_role(&cx.as_service("codepipeline", cx.scope()), &asked).await.is_ok() {
        return Ok(acting);
    }
    let pipeline = session_of(cx, through, &session).await?;
    let may = async {
        iam::authorize(&pipeline, &[Need::new("sts:AssumeRole", &run.role_arn)]).await?;
        check_assume_role(&pipeline, &asked).await
    };
    may.await.map_err(|e| {
        let what = format!("CodePipeline is not authorized to perform AssumeRole on role {}", run.role_arn);
        refused(&what, "assume the role of an action", e)
    })?;
    Ok(acting)
}

async fn session_of(cx: &Cx, role: &str, session: &str) -> Result<Cx, Trouble> {
    iam::as_session(cx, cx.scope(), role, session).await.map_err(|e| Trouble::of("look up the role of an action", e))
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
        Work::GitSource { host: GitHost::Connection(arn), .. } => {
            let service = arn.split(':').nth(2).unwrap_or_default();
            let what = lacking(&format!("use the connection {arn}"));
            ask(acting, &[Need::new(format!("{service}:UseConnection"), arn)], &what).await
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
    for need in needs {
        iam::authorize(acting, std::slice::from_ref(need))
            .await
            .map_err(|e| refused(what, "decide on the role of an action", e))?;
    }
    Ok(())
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
