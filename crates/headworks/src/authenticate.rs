//! Who calls, and whether they may: the one place where access is decided.

use std::sync::Arc;

use base::{ApiError, Region, Scope};
use engine::access::Enforcement;
use http::request::Parts;
use platform::iam::{Credential, CredentialRefusal};
use platform::{Cx, Principal};
use wire::Call;
use wire::sigv4::{self, BodyReader, Fault, Signature};

use crate::installation::Installation;

/// What a request may bring whose key nobody knows.
const STRANGERS_BODY_BYTES: usize = 64 << 10;

/// An accepted signature.
pub struct Authenticated {
    pub scope: Scope,
    pub principal: Principal,
    /// Takes framing off the body and checks what was signed of it.
    pub reader: BodyReader,
}

/// Whom a request says that it is from, by a key that exists. Nothing is proven yet.
pub struct Claim {
    signature: Signature,
    credential: Arc<Credential>,
}

/// Finds out whom a request says that it is from; `None` in test mode, which asks nobody. To be called before a body
/// is taken in, so that strangers cannot fill the memory.
pub async fn identify(installation: &Arc<Installation>, parts: &Parts, call: &Call) -> Result<Option<Claim>, ApiError> {
    if installation.config.test_mode {
        return Ok(None);
    }
    let fault = |fault: Fault| fault.error(call.protocol);
    let signature = sigv4::parse(parts).map_err(fault)?.ok_or_else(|| fault(Fault::Missing))?;
    sigv4::check_service(&signature, call.service.signing_name()).map_err(fault)?;
    let cx = &installation.cx;
    let found = cx.credentials.find(&cx.store, &signature.access_key).await?;
    let credential = found.ok_or_else(|| fault(Fault::UnknownKey(signature.access_key.clone())))?;
    credential.check(signature.session_token.as_deref(), cx.now()).map_err(|refusal| match refusal {
        CredentialRefusal::Invalid if signature.session_token.is_some() => fault(Fault::BadToken),
        CredentialRefusal::Invalid => fault(Fault::UnknownKey(signature.access_key.clone())),
        CredentialRefusal::Expired => fault(Fault::ExpiredToken),
    })?;
    Ok(Some(Claim { signature, credential }))
}

/// Checks the signature of a request; `body` is the raw body where it is at hand.
pub fn authenticate(
    installation: &Arc<Installation>,
    parts: &Parts,
    call: &Call,
    claim: Option<Claim>,
    body: Option<&[u8]>,
) -> Result<Authenticated, ApiError> {
    let Some(Claim { signature, credential }) = claim else {
        let region = sigv4::parse(parts).ok().flatten().and_then(|s| Region::parse(&s.scope.region));
        return Ok(test_caller(installation, parts, region));
    };
    let (cx, now) = (&installation.cx, installation.cx.now());
    let verified = sigv4::verify(&signature, parts, body, credential.secret.expose(), now)
        .map_err(|fault| fault.error(call.protocol))?;
    let region = Region::parse(&signature.scope.region).unwrap_or_else(|| installation.config.region.clone());
    if credential.use_is_news(now) {
        note_use(cx.clone(), signature);
    }
    Ok(Authenticated {
        principal: credential.principal(region.partition()),
        scope: Scope { account: credential.account.clone(), region },
        reader: verified.body_reader(parts),
    })
}

/// How much of a body is held in memory before its request's operation is known: little, unless its key exists.
pub async fn body_limit_bytes(installation: &Arc<Installation>, parts: &Parts) -> usize {
    let most = installation.config.max_body_bytes;
    let stranger = most.min(STRANGERS_BODY_BYTES);
    if installation.config.test_mode {
        return most;
    }
    let Ok(Some(signature)) = sigv4::parse(parts) else { return stranger };
    let cx = &installation.cx;
    match cx.credentials.find(&cx.store, &signature.access_key).await {
        Ok(Some(_)) => most,
        Ok(None) | Err(_) => stranger,
    }
}

/// In test mode everybody is the root of the one account.
fn test_caller(installation: &Installation, parts: &Parts, region: Option<Region>) -> Authenticated {
    let home = &installation.cx.caller;
    let region = region.unwrap_or_else(|| home.scope.region.clone());
    Authenticated {
        scope: Scope { account: home.scope.account.clone(), region },
        principal: home.principal.clone(),
        reader: BodyReader::unverified(parts),
    }
}

fn note_use(cx: Cx, signature: sigv4::Signature) {
    tokio::spawn(async move {
        let (service, region) = (&signature.scope.service, &signature.scope.region);
        let noted = platform::iam::note_use(&cx.store, &signature.access_key, service, region, cx.now()).await;
        if let Err(e) = noted {
            tracing::warn!(error = %e, "cannot note that a key was used");
        }
    });
}

/// Decides whether the caller may do `call`. Policies are not enforced yet: whoever has a valid key of the account
/// may do everything in it. The resources of each operation come with enforcement.
pub async fn authorize(cx: &Cx, call: &Call) -> Result<(), ApiError> {
    let action = format!("{}:{}", call.service.signing_name(), call.operation.name());
    platform::iam::authorize(cx, Enforcement::Off, &action, &[]).await
}
