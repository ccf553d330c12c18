//! AssumeRole: <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>. The role's trust policy
//! must name the caller; a role that does not exist is refused in the same words, so that nobody learns which do.
//!
//! Deviation: an account's root may assume roles that trust its account (AWS refuses the root), because the root
//! key is what a new installation has.

use base::{ApiError, Scope};
use engine::access::{SubjectKind, trusts};
use formats::policy::{Kind, parse};
use serde::{Deserialize, Serialize};
use store::Tx;
use store::tables::iam_role;

use super::issue::{Credentials, Holder, issue};
use crate::Cx;
use crate::iam::{authorize, names};
use crate::transact::transact;

/// Members that are refused by name, because leaving them out would give more rights than were asked for or
/// promise a check that does not take place. Session tags are accepted; no policy can see them yet.
pub const UNSUPPORTED: &[&str] = &["Policy", "PolicyArns", "ProvidedContexts", "SerialNumber", "TokenCode"];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub role_arn: String,
    pub role_session_name: String,
    pub duration_seconds: Option<u64>,
    pub external_id: Option<String>,
    pub source_identity: Option<String>,
    /// The resource in whose name one of our services asks.
    #[serde(skip)]
    pub source_arn: Option<String>,
    #[serde(flatten)]
    pub others: serde_json::Map<String, serde_json::Value>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub credentials: Credentials,
    pub assumed_role_user: AssumedRoleUser,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_identity: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AssumedRoleUser {
    pub assumed_role_id: String,
    pub arn: String,
}

pub async fn assume_role(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    if let Some(member) = UNSUPPORTED.iter().find(|m| input.others.get(**m).is_some_and(|v| !v.is_null())) {
        return Err(validation(format!("Headworks does not support the parameter {member} of AssumeRole.")));
    }
    transact(cx, input, |tx, cx, input| Box::pin(run(tx, cx, input))).await
}

fn validation(message: impl Into<String>) -> ApiError {
    ApiError::new("ValidationError", message).with_status(400)
}

/// Whether [`assume_role`] would do it, in its words; nothing is issued.
pub async fn check_assume_role(cx: &Cx, input: &Input) -> Result<(), ApiError> {
    check_assume_role_in(&mut cx.store.read().await?, cx, input).await
}

/// The same inside of a transaction.
pub async fn check_assume_role_in(tx: &mut Tx, cx: &Cx, input: &Input) -> Result<(), ApiError> {
    allowed(tx, cx, input).await.map(|_| ())
}

impl Input {
    /// A session as long as may be, without conditions.
    pub fn new(role_arn: &str, session: &str) -> Self {
        Input {
            role_arn: role_arn.to_owned(),
            role_session_name: session.to_owned(),
            duration_seconds: None,
            external_id: None,
            source_identity: None,
            source_arn: None,
            others: serde_json::Map::new(),
        }
    }
}

/// A session that may be had.
struct Allowed {
    role: iam_role::Row,
    /// Of the role's account.
    scope: Scope,
    seconds: u64,
    of_build: bool,
}

/// The session, when the caller may have it for as long as it wants.
async fn allowed(tx: &mut Tx, cx: &Cx, input: &Input) -> Result<Allowed, ApiError> {
    let Some((account, name)) = names::parse_arn(&input.role_arn, "role") else {
        return Err(validation(format!("{} is invalid", input.role_arn)));
    };
    let denied = || {
        let (who, role) = (&cx.caller.principal.arn, &input.role_arn);
        let text = format!("User: {who} is not authorized to perform: sts:AssumeRole on resource: {role}");
        ApiError::new("AccessDenied", text).with_status(403)
    };
    let role = iam_role::get(tx, &account, &name).await?.ok_or_else(denied)?;
    let scope =
        Scope { account: base::AccountId::parse(&role.account).ok_or_else(denied)?, region: cx.scope().region.clone() };
    if names::arn(&scope, "role", &role.path, &role.name) != input.role_arn {
        return Err(denied());
    }
    let subject = authorize::subject(tx, cx).await?;
    let mut context = authorize::context(cx);
    context.insert("sts:rolesessionname".to_owned(), vec![input.role_session_name.clone()]);
    if let SubjectKind::Service(_) = subject.kind {
        context.insert("aws:sourceaccount".to_owned(), vec![cx.scope().account.to_string()]);
        context.extend(input.source_arn.iter().map(|arn| ("aws:sourcearn".to_owned(), vec![arn.clone()])));
    }
    if let Some(id) = &input.external_id {
        context.insert("sts:externalid".to_owned(), vec![id.clone()]);
    }
    let trust = parse(&role.trust, Kind::Trust).map_err(ApiError::internal)?;
    if !trusts(&trust, &subject, "sts:AssumeRole", &context).is_allowed() {
        return Err(denied());
    }
    let seconds = input.duration_seconds.unwrap_or(3600);
    if subject.is_role_session() && seconds > 3600 {
        return Err(validation(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
        ));
    }
    if seconds > u64::try_from(role.max_session_seconds).unwrap_or(3600) {
        return Err(validation("The requested DurationSeconds exceeds the MaxSessionDuration set for this role."));
    }
    // What a build may not do it may not do by way of another role either.
    let of_build = input.role_session_name.starts_with(authorize::BUILD_SESSION)
        || matches!(subject.kind, SubjectKind::BuildSession { .. });
    Ok(Allowed { role, scope, seconds, of_build })
}

async fn run(tx: &mut Tx, cx: &Cx, input: &Input) -> Result<Output, ApiError> {
    let Allowed { role, scope, seconds, of_build } = allowed(tx, cx, input).await?;
    let session = &input.role_session_name;
    let holder = Holder { account: &role.account, owner: &role.id, role: &role.name, session, of_build, policy: "" };
    let credentials = issue(tx, cx, holder, seconds).await?;
    iam_role::set_last_use(tx, &role.id, cx.now(), cx.scope().region.as_str()).await?;
    let assumed_role_user = AssumedRoleUser {
        assumed_role_id: format!("{}:{session}", role.id),
        arn: scope.global_arn("sts", format!("assumed-role/{}/{session}", role.name)).to_string(),
    };
    Ok(Output { credentials, assumed_role_user, source_identity: input.source_identity.clone() })
}
