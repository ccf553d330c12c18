//! The way from a call to the access decision.

use base::ApiError;
use engine::access::{Context, Enforcement, Policies, Request, Subject, SubjectKind, decide};
use formats::policy::{Document, Kind, parse};
use store::Tx;
use store::tables::{iam_attachment, iam_inline_policy, iam_policy, iam_role, iam_user};

use super::{aws_managed, lookup, names};
use crate::Cx;

/// Decides whether the caller may do `action` (`service:Operation`) on `resources` (ARNs, or `*`). Every operation
/// passes here before it runs. With [`Enforcement::Off`] no policy is read.
pub async fn authorize(cx: &Cx, enforcement: Enforcement, action: &str, resources: &[String]) -> Result<(), ApiError> {
    if enforcement == Enforcement::Off {
        return Ok(());
    }
    let mut tx = cx.store.read().await?;
    let subject = subject(&mut tx, cx).await?;
    let policies = policies(&mut tx, cx, &subject).await?;
    let context = context(cx);
    let request = Request { subject: &subject, action, resources, context: &context };
    if decide(enforcement, &request, &policies).is_allowed() {
        return Ok(());
    }
    let on = resources.first().map_or("*", String::as_str);
    let who = &cx.caller.principal.arn;
    let text = format!("User: {who} is not authorized to perform: {action} on resource: {on}");
    Err(ApiError::new("AccessDeniedException", text).with_status(403))
}

/// Who calls, as policies know it.
pub(crate) async fn subject(tx: &mut Tx, cx: &Cx) -> Result<Subject, ApiError> {
    let principal = &cx.caller.principal;
    let account = lookup::account(cx).to_owned();
    let kind = if principal.user_id == account {
        SubjectKind::Root
    } else if principal.user_id.ends_with(".amazonaws.com") {
        SubjectKind::Service(principal.user_id.clone())
    } else if let Some((role_id, _)) = principal.user_id.split_once(':') {
        let role = iam_role::get_by_id(tx, role_id).await?;
        let role_arn = role.map(|r| names::arn(cx.scope(), "role", &r.path, &r.name)).unwrap_or_default();
        SubjectKind::AssumedRole { arn: principal.arn.clone(), role_arn }
    } else {
        SubjectKind::User { arn: principal.arn.clone() }
    };
    Ok(Subject { account, user_id: principal.user_id.clone(), kind })
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
        SubjectKind::AssumedRole { .. } => iam_role::get_by_id(tx, owner).await?.and_then(|r| r.boundary),
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
