//! Who calls, and whether they may: the one place where access is decided.

use std::sync::Arc;

use base::{ApiError, Region, Scope};
use engine::access::Enforcement;
use http::request::Parts;
use platform::iam::CredentialRefusal;
use platform::{Cx, Principal};
use wire::Call;
use wire::sigv4::{self, BodyReader, Fault};

use crate::installation::Installation;

/// An accepted signature.
pub struct Authenticated {
    pub scope: Scope,
    pub principal: Principal,
    /// Takes framing off the body and checks what was signed of it.
    pub reader: BodyReader,
}

/// Checks the signature of a request; `body` is the raw body where it is at hand.
pub async fn authenticate(
    installation: &Arc<Installation>,
    parts: &Parts,
    call: &Call,
    body: Option<&[u8]>,
) -> Result<Authenticated, ApiError> {
    let fault = |fault: Fault| fault.error(call.protocol);
    let signature = match sigv4::parse(parts) {
        Ok(signature) => signature,
        Err(_) if installation.config.test_mode => None,
        Err(e) => return Err(fault(e)),
    };
    let Some(signature) = signature else {
        if installation.config.test_mode {
            return Ok(test_caller(installation, parts, None));
        }
        return Err(fault(Fault::Missing));
    };
    if installation.config.test_mode {
        return Ok(test_caller(installation, parts, Region::parse(&signature.scope.region)));
    }
    let cx = &installation.cx;
    let found = cx.credentials.find(&cx.store, &signature.access_key).await?;
    let credential = found.ok_or_else(|| fault(Fault::UnknownKey(signature.access_key.clone())))?;
    let now = cx.now();
    credential.check(signature.session_token.as_deref(), now).map_err(|refusal| match refusal {
        CredentialRefusal::Invalid if signature.session_token.is_some() => fault(Fault::BadToken),
        CredentialRefusal::Invalid => fault(Fault::UnknownKey(signature.access_key.clone())),
        CredentialRefusal::Expired => fault(Fault::ExpiredToken),
    })?;
    let verified = sigv4::verify(&signature, parts, body, credential.secret.expose(), now).map_err(fault)?;
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
