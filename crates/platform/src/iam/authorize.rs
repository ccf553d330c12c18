//! The way from a call to the access decision.

use std::sync::Arc;

use base::{ApiError, Arn, Scope};
use engine::access::{Context, Enforcement, Policies, Request, Subject, SubjectKind, Verdict, decide};
use formats::policy::{Document, Kind, parse};
use store::Tx;
use store::tables::{iam_attachment, iam_inline_policy, iam_policy, iam_role, iam_user, sts_session};

use super::{aws_managed, known_by_store, lookup, names};
use crate::needs::Need;
use crate::{Caller, Cx, Principal};

/// How the sessions begin that CodeBuild makes for its builds.
pub(crate) const BUILD_SESSION: &str = "AWSCodeBuild-";
/// How the sessions begin in which an action of a pipeline does what it does in its role's name.
pub const ACTION_SESSION: &str = "AWSCodePipeline-";
/// Stands for the id of a role that does not exist or may not be assumed, and so has no policies.
const NOBODY: &str = "nobody";

/// What policies say of a principal, as it was at one moment.
#[derive(Clone, Debug)]
pub struct Rights(Arc<(Subject, Policies)>);

impl PartialEq for Rights {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Rights {}

/// Decides whether the caller may do what a call needs. Every operation passes here before it runs, and so does git.
pub async fn authorize(cx: &Cx, needs: &[Need]) -> Result<(), ApiError> {
    authorize_by(cx, Enforcement::Builds, needs).await
}

/// The same context for a session of a role, held to the role's policies. A role that does not exist may do nothing.
pub async fn as_session(cx: &Cx, scope: &Scope, role_arn: &str, session: &str) -> Result<Cx, ApiError> {
    let (account, name) = names::parse_arn(role_arn, "role").unwrap_or_default();
    let mut tx = cx.store.read().await?;
    let role = iam_role::get(&mut tx, &account, &name).await?;
    let id = role.as_ref().map_or(NOBODY, |role| &role.id);
    let principal = Principal {
        arn: scope.global_arn("sts", format!("assumed-role/{name}/{session}")).to_string(),
        user_id: format!("{id}:{session}"),
        access_key: None,
        rights: None,
    };
    let caller = Caller { scope: scope.clone(), principal, ..cx.caller.clone() };
    Ok(Cx { caller, ..cx.clone() })
}

/// The same session with the policies that it has now, for work that is short and makes many calls: they are not read again.
pub async fn with_rights(mut cx: Cx) -> Result<Cx, ApiError> {
    let rights = rights(&mut cx.store.read().await?, &cx).await?;
    cx.caller.principal.rights = Some(rights);
    Ok(cx)
}

async fn rights(tx: &mut Tx, cx: &Cx) -> Result<Rights, ApiError> {
    let subject = subject(tx, cx).await?;
    let policies = match own_policy(tx, cx).await? {
        Some(policy) => Policies { identity: vec![document(&policy)?], ..Policies::default() },
        None => policies(tx, cx, &subject).await?,
    };
    Ok(Rights(Arc::new((subject, policies))))
}

/// The same under an enforcement of one's choice.
pub(super) async fn authorize_by(cx: &Cx, enforcement: Enforcement, needs: &[Need]) -> Result<(), ApiError> {
    // Builds have sessions of roles, and only those have a colon: for all others nothing need be read.
    if enforcement == Enforcement::Builds && !cx.caller.principal.user_id.contains(':') {
        return Ok(());
    }
    let mut tx = cx.store.read().await?;
    let rights = match &cx.caller.principal.rights {
        Some(rights) => rights.clone(),
        None => rights(&mut tx, cx).await?,
    };
    let (subject, policies) = &*rights.0;
    let general = context(cx);
    for need in needs {
        let mut context = general.clone();
        let owner = owner(cx, &need.resources);
        context.extend(owner.map(|account| ("aws:resourceaccount".to_owned(), vec![account])));
        context.extend(need.context.iter().map(|(key, value)| (key.clone(), vec![value.clone()])));
        known_by_store::add(&mut tx, cx, need, &mut context).await?;
        let action = &need.action;
        let mut resources = Vec::new();
        for resource in &need.resources {
            resources.push(with_path(&mut tx, cx, action, resource).await?);
        }
        let request = Request { subject, action, resources: &resources, context: &context };
        let verdict = decide(enforcement, &request, policies);
        if !verdict.is_allowed() {
            return Err(denied(cx, action, resources.first().map_or("*", String::as_str), verdict));
        }
    }
    Ok(())
}

/// The account that all of the resources are in. What names no account (a bucket, or all there is) is the caller's: no call
/// reaches another's.
fn owner(cx: &Cx, resources: &[String]) -> Option<String> {
    let account = |resource: &String| {
        let named = Arn::parse(resource).map(|arn| arn.account).filter(|account| !account.is_empty());
        named.unwrap_or_else(|| lookup::account(cx).to_owned())
    };
    let mut all = resources.iter().map(account);
    let first = all.next()?;
    all.all(|other| other == first).then_some(first)
}

/// The same session without any rights: the role is not for the service.
pub fn as_nobody(cx: &Cx) -> Cx {
    let mut nobody = cx.clone();
    nobody.caller.principal.rights = None;
    let id = &mut nobody.caller.principal.user_id;
    *id = format!("{NOBODY}:{}", id.split_once(':').map_or("", |(_, session)| session));
    nobody
}

/// Whether the context is the session of a role that does not exist, or is not for the service.
pub fn is_nobody(cx: &Cx) -> bool {
    cx.caller.principal.user_id.split_once(':').is_some_and(|(role, _)| role == NOBODY)
}

/// The refusal in AWS's words.
fn denied(cx: &Cx, action: &str, resource: &str, verdict: Verdict) -> ApiError {
    let who = &cx.caller.principal.arn;
    let why = match verdict {
        Verdict::DeniedExplicitly => "with an explicit deny in an identity-based policy".to_owned(),
        Verdict::DeniedByDefault | Verdict::Allowed if is_nobody(cx) => {
            "because its role does not exist or does not trust the service".to_owned()
        }
        Verdict::DeniedByDefault | Verdict::Allowed => {
            format!("because no identity-based policy allows the {action} action")
        }
    };
    let text = format!("User: {who} is not authorized to perform: {action} on resource: {resource} {why}");
    match action.split(':').next() {
        Some("s3" | "iam" | "sts" | "cloudformation" | "sns" | "monitoring") => {
            ApiError::new("AccessDenied", text).with_status(403)
        }
        _ => ApiError::new("AccessDeniedException", text).with_status(400),
    }
}

/// A request names roles and users without the path that their ARNs have, and secrets without the characters that theirs
/// end with.
async fn with_path(tx: &mut Tx, cx: &Cx, action: &str, resource: &str) -> Result<String, ApiError> {
    if action.starts_with("secretsmanager:") {
        let known = crate::secretsmanager::whole_arn(tx, cx, resource.trim_end_matches("-??????")).await?;
        return Ok(known.unwrap_or_else(|| resource.to_owned()));
    }
    let found =
        match (action.starts_with("iam:"), names::parse_arn(resource, "role"), names::parse_arn(resource, "user")) {
            (true, Some((account, name)), _) => {
                iam_role::get(tx, &account, &name).await?.map(|r| ("role", r.path, r.name))
            }
            (true, None, Some((account, name))) => {
                iam_user::get(tx, &account, &name).await?.map(|u| ("user", u.path, u.name))
            }
            _ => None,
        };
    Ok(match found {
        Some((kind, path, name)) => names::arn(cx.scope(), kind, &path, &name),
        None => resource.to_owned(),
    })
}

/// Who calls, as policies know it.
pub(crate) async fn subject(tx: &mut Tx, cx: &Cx) -> Result<Subject, ApiError> {
    let principal = &cx.caller.principal;
    let account = lookup::account(cx).to_owned();
    let kind = if principal.user_id == account {
        SubjectKind::Root
    } else if principal.user_id.ends_with(".amazonaws.com") {
        SubjectKind::Service(principal.user_id.clone())
    } else if let Some((role_id, session)) = principal.user_id.split_once(':') {
        let role = iam_role::get_by_id(tx, role_id).await?;
        let role_arn = role.map(|r| names::arn(cx.scope(), "role", &r.path, &r.name)).unwrap_or_default();
        let arn = principal.arn.clone();
        if session.starts_with(BUILD_SESSION)
            || session.starts_with(ACTION_SESSION)
            || is_held(tx, principal.access_key.as_deref()).await?
        {
            SubjectKind::BuildSession { arn, role_arn }
        } else {
            SubjectKind::AssumedRole { arn, role_arn }
        }
    } else {
        SubjectKind::User { arn: principal.arn.clone() }
    };
    Ok(Subject { account, user_id: principal.user_id.clone(), kind })
}

/// Whether policies decide about a session: a build made it, or it has a policy of its own.
async fn is_held(tx: &mut Tx, access_key: Option<&str>) -> Result<bool, ApiError> {
    let Some(key) = access_key else { return Ok(false) };
    Ok(sts_session::get(tx, key).await?.is_some_and(|row| row.of_build || !row.policy.is_empty()))
}

/// The policy that a session has of its own; it stands for those of its role.
async fn own_policy(tx: &mut Tx, cx: &Cx) -> Result<Option<String>, ApiError> {
    let Some(key) = cx.caller.principal.access_key.as_deref() else { return Ok(None) };
    Ok(sts_session::get(tx, key).await?.map(|row| row.policy).filter(|policy| !policy.is_empty()))
}

/// The condition keys that every request has.
pub(crate) fn context(cx: &Cx) -> Context {
    let principal = &cx.caller.principal;
    let mut context = Context::new();
    let mut put = |key: &str, value: &str| context.insert(key.to_owned(), vec![value.to_owned()]);
    put("aws:principalarn", &principal.arn);
    put("aws:principalaccount", lookup::account(cx));
    put("aws:userid", &principal.user_id);
    put("aws:sourceip", &cx.caller.source_ip);
    put("aws:requestedregion", cx.scope().region.as_str());
    put("aws:currenttime", &cx.now().to_string());
    put("aws:epochtime", &cx.now().secs().to_string());
    let is_service = principal.user_id.ends_with(".amazonaws.com");
    put("aws:principalisawsservice", if is_service { "true" } else { "false" });
    // No service of ours calls another with its caller's rights, but in the session of a role.
    put("aws:viaawsservice", "false");
    if let Some(name) = principal.arn.rsplit('/').next().filter(|_| principal.arn.contains(":user/")) {
        put("aws:username", name);
    }
    context
}

/// All that speaks of the caller.
async fn policies(tx: &mut Tx, cx: &Cx, subject: &Subject) -> Result<Policies, ApiError> {
    let owner = subject.user_id.split_once(':').map_or(subject.user_id.as_str(), |(role, _)| role);
    let boundary = match &subject.kind {
        SubjectKind::User { .. } => iam_user::get_by_id(tx, owner).await?.and_then(|u| u.boundary),
        SubjectKind::AssumedRole { .. } | SubjectKind::BuildSession { .. } => {
            iam_role::get_by_id(tx, owner).await?.and_then(|r| r.boundary)
        }
        SubjectKind::Root | SubjectKind::Service(_) => None,
    };
    let mut texts: Vec<String> = iam_inline_policy::list(tx, owner).await?.into_iter().map(|(_, d)| d).collect();
    for key in iam_attachment::of_owner(tx, owner).await? {
        texts.extend(document_of(tx, &key).await?);
    }
    let mut identity = Vec::new();
    for text in texts {
        identity.push(document(&text)?);
    }
    let boundary = match boundary {
        None => None,
        Some(arn) => {
            let found = lookup::policy(tx, cx, &arn).await?.map(|p| p.key(&arn));
            let text = match found {
                Some(key) => document_of(tx, &key).await?,
                None => None,
            };
            // A boundary that is gone allows nothing.
            let nothing = r#"{"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}"#;
            Some(document(text.as_deref().unwrap_or(nothing))?)
        }
    };
    Ok(Policies { identity, boundary, resource: Vec::new() })
}

async fn document_of(tx: &mut Tx, key: &str) -> Result<Option<String>, ApiError> {
    if let Some(managed) = aws_managed::find(key) {
        return Ok(Some(managed.document()));
    }
    let Some(row) = iam_policy::get_by_id(tx, key).await? else { return Ok(None) };
    let versions = iam_policy::list_versions(tx, &row.id).await?;
    Ok(versions.into_iter().find(|v| v.version == row.default_version).map(|v| v.document))
}

/// Documents are checked before they are stored, so one that cannot be read is our failure.
fn document(text: &str) -> Result<Document, ApiError> {
    parse(text, Kind::Identity).map_err(ApiError::internal)
}
