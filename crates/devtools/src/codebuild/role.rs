//! A build acts as its project's role: with temporary credentials of its own, which it fetches where
//! `AWS_CONTAINER_CREDENTIALS_FULL_URI` says, as often as it likes, and which end with it.
//!
//! Deviation: a build's log in CloudWatch Logs and its reports are written whether the role allows it or not.
//!
//! Who asks must show the build's token. The token follows from the installation's key and the build's id, so it is kept
//! nowhere, and a restarted server knows it again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base::{ApiError, Arn, ErrorKind, Scope, Secret, Timestamp};
use engine::build::{Build, Request};
use engine::sandbox::Sandbox;
use platform::sts::Credentials;
use platform::sts::assume_role::{self, assume_role, check_assume_role};
use platform::{Cx, iam};
use store::tables::sts_session;
use store::{Tx, machine};

use super::commands::is_managed;

/// The path under which the credentials of builds are; the build's id follows.
pub const CREDENTIALS_PATH: &str = "/_headworks/credentials/";
/// Credentials with less time left are replaced by new ones. Clients ask anew when a quarter of an hour is left.
const FRESH_FOR: Duration = Duration::from_secs(20 * 60);

/// What a build shows to get its credentials.
pub fn credentials_token(cx: &Cx, build: &str) -> Secret<String> {
    cx.site.key.token(&["build credentials", build])
}

/// Why the build of `request` has no credentials, for its log; `None` when it has, or when its project names no role.
pub async fn why_no_credentials(cx: &Cx, request: &Request) -> Option<String> {
    let input = input(request)?;
    let refused = check(&cx.as_service(service(request), &request.scope), request, &input).await.err()?;
    Some(format!("The build has no AWS credentials: {}", refused.message))
}

/// The context in which the server does what a build asks of it: in the session of the project's role, so that a build gets
/// no further by naming a source, a bucket or a secret than by its own calls.
pub async fn acting(cx: &Cx, request: &Request) -> Result<Cx, ApiError> {
    let acting = iam::as_session(cx, &request.scope, request.service_role(), &session_name(&request.uuid)).await?;
    let service = cx.as_service(service(request), &request.scope);
    // Roles that tests name need not exist.
    if cx.site.test_mode && iam::is_nobody(&acting) {
        return Ok(service);
    }
    let Some(input) = input(request) else { return Ok(acting) };
    match check(&service, request, &input).await {
        Ok(()) => Ok(acting),
        Err(e) if e.kind == ErrorKind::Client => Ok(iam::as_nobody(&acting)),
        Err(e) => Err(e),
    }
}

/// Ends the sessions of a build; gives whether there were any. The caller makes the cache forget.
pub async fn revoke(tx: &mut Tx, account: &str, uuid: &str) -> Result<bool, store::Error> {
    Ok(sts_session::delete_of_session(tx, account, &session_name(uuid)).await? > 0)
}

/// Credentials of the project's role for this build; `None` when it has none.
pub async fn issue(cx: &Cx, request: &Request) -> Option<Result<Credentials, ApiError>> {
    let input = input(request)?;
    if let Err(refused) = of_own_account(request) {
        return Some(Err(refused));
    }
    let output = assume_role(&cx.as_service(service(request), &request.scope), input).await;
    Some(output.map(|output| output.credentials))
}

async fn check(service: &Cx, request: &Request, input: &assume_role::Input) -> Result<(), ApiError> {
    of_own_account(request)?;
    check_assume_role(service, input).await
}

/// A pipeline that an earlier version took may name another account's role.
fn of_own_account(request: &Request) -> Result<(), ApiError> {
    let role = request.service_role();
    let is_elsewhere = Arn::parse(role).is_some_and(|arn| arn.account != request.scope.account.as_str());
    if is_managed(&request.project) && is_elsewhere {
        let text =
            format!("CodePipeline is not authorized to perform AssumeRole on role {role}: it is of another account");
        return Err(ApiError::new("PermissionError", text).with_status(403));
    }
    Ok(())
}

/// Who runs the build, as roles trust it: the commands of a pipeline run as the pipeline's role.
fn service(request: &Request) -> &'static str {
    if is_managed(&request.project) { "codepipeline" } else { "codebuild" }
}

fn input(request: &Request) -> Option<assume_role::Input> {
    let role = request.service_role();
    let pipeline = request.initiator.strip_prefix("codepipeline/").filter(|_| is_managed(&request.project));
    let asks = match pipeline {
        Some(pipeline) => {
            let region = request.pipeline_region.clone().unwrap_or_else(|| request.scope.region.clone());
            Scope { region, ..request.scope.clone() }.arn("codepipeline", pipeline)
        }
        None => request.scope.arn("codebuild", format!("project/{}", request.project)),
    };
    (!role.is_empty()).then(|| assume_role::Input {
        source_arn: Some(asks.to_string()),
        ..assume_role::Input::new(role, &session_name(&request.uuid))
    })
}

fn session_name(uuid: &str) -> String {
    format!("AWSCodeBuild-{uuid}")
}

/// The credentials that were handed out lately: every `aws` command in a build asks, and need not get its own.
#[derive(Default)]
pub struct RoleSessions(Mutex<HashMap<String, Held>>);

#[derive(Clone)]
struct Held {
    role_arn: String,
    credentials: Credentials,
}

/// What a build gets.
#[derive(Debug)]
pub struct RoleCredentials {
    pub role_arn: String,
    pub credentials: Credentials,
}

impl RoleSessions {
    /// The credentials of a build that runs; an error for any other.
    pub async fn of_build(&self, cx: &Cx, build: &str) -> Result<RoleCredentials, ApiError> {
        let request = running(cx, build).await?;
        if let Some(held) = self.held(build, cx.now()) {
            return Ok(RoleCredentials { role_arn: held.role_arn, credentials: held.credentials });
        }
        let none = || ApiError::new("NoRole", "The build's project has no service role.").with_status(404);
        let role_arn = input(&request).ok_or_else(none)?.role_arn;
        let credentials = issue(cx, &request).await.ok_or_else(none)??;
        if let Err(over) = running(cx, build).await {
            // It ended meanwhile, and whoever revokes may have been there already.
            let (account, uuid) = (request.scope.account.to_string(), request.uuid.clone());
            let revoked = cx.store.write(move |tx| {
                let (account, uuid) = (account.clone(), uuid.clone());
                Box::pin(async move { revoke(tx, &account, &uuid).await })
            });
            revoked.await?;
            cx.credentials.forget();
            return Err(over);
        }
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = cx.now();
        all.retain(|_, held| held.credentials.expiration > now);
        all.insert(build.to_owned(), Held { role_arn: role_arn.clone(), credentials: credentials.clone() });
        Ok(RoleCredentials { role_arn, credentials })
    }

    fn held(&self, build: &str, now: Timestamp) -> Option<Held> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(build).filter(|held| held.credentials.expiration.since(now) > FRESH_FOR).cloned()
    }
}

async fn running(cx: &Cx, build: &str) -> Result<Request, ApiError> {
    let over = || ApiError::new("BuildIsOver", "The build is over, and its credentials with it.").with_status(404);
    let mut tx = cx.store.read().await?;
    let state = match machine::get::<Build>(&mut tx, build).await? {
        Some(row) => row.state,
        None => machine::get::<Sandbox>(&mut tx, build).await?.ok_or_else(over)?.state.session,
    };
    if state.completed().is_some() { Err(over()) } else { Ok(state.request) }
}
