//! Who calls, and whether they may: the one place where access is decided.

use std::sync::Arc;

use base::{ApiError, Region, Scope};
use http::request::Parts;
use platform::iam::{Credential, CredentialRefusal};
use platform::needs::Asked;
use platform::{Cx, Principal};
use serde_json::Value;
use wire::Call;
use wire::sigv4::{self, BodyReader, Fault, PresignedV2, Signature};

use crate::installation::Installation;
use crate::registry;

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
    proof: Proof,
    credential: Arc<Credential>,
}

/// What a claim rests on.
enum Proof {
    Signature(Signature),
    /// The older form of S3's presigned URLs. It names no region and says nothing of the body.
    Presigned(PresignedV2),
}

/// Finds out whom a request says that it is from; `None` in test mode, which asks nobody. To be called before a body
/// is taken in, so that strangers cannot fill the memory.
pub async fn identify(installation: &Arc<Installation>, parts: &Parts, call: &Call) -> Result<Option<Claim>, ApiError> {
    if installation.config.test_mode {
        return Ok(None);
    }
    let fault = |fault: Fault| fault.error(call.protocol);
    if let Some(presigned) = PresignedV2::parse(parts, call).map_err(fault)? {
        let credential = find(installation, call, &presigned.access_key, presigned.session_token.as_deref()).await?;
        return Ok(Some(Claim { proof: Proof::Presigned(presigned), credential }));
    }
    let signature = sigv4::parse(parts).map_err(fault)?.ok_or_else(|| fault(Fault::Missing))?;
    sigv4::check_service(&signature, call.service.signing_name()).map_err(fault)?;
    let credential = find(installation, call, &signature.access_key, signature.session_token.as_deref()).await?;
    Ok(Some(Claim { proof: Proof::Signature(signature), credential }))
}

/// The credential of a key that may be used now.
async fn find(
    installation: &Installation,
    call: &Call,
    access_key: &str,
    token: Option<&str>,
) -> Result<Arc<Credential>, ApiError> {
    let cx = &installation.cx;
    let refuse = |fault: Fault| fault.error(call.protocol);
    let unknown = || refuse(Fault::UnknownKey(access_key.to_owned()));
    let credential = cx.credentials.find(&cx.store, access_key).await?.ok_or_else(unknown)?;
    credential.check(token, cx.now()).map_err(|refusal| match refusal {
        CredentialRefusal::Invalid if token.is_some() => refuse(Fault::BadToken),
        CredentialRefusal::Invalid => unknown(),
        CredentialRefusal::Expired => refuse(Fault::ExpiredToken),
    })?;
    Ok(credential)
}

/// Checks the signature of a request; `body` is the raw body where it is at hand.
pub fn authenticate(
    installation: &Arc<Installation>,
    parts: &Parts,
    call: &Call,
    claim: Option<Claim>,
    body: Option<&[u8]>,
) -> Result<Authenticated, ApiError> {
    let Some(Claim { proof, credential }) = claim else {
        let region = sigv4::parse(parts).ok().flatten().and_then(|s| Region::parse(&s.scope.region));
        return Ok(test_caller(installation, parts, region));
    };
    let (cx, now) = (&installation.cx, installation.cx.now());
    let fault = |fault: Fault| fault.error(call.protocol);
    let (secret, home) = (credential.secret.expose(), installation.config.region.clone());
    let (reader, access_key, service, region) = match proof {
        Proof::Signature(signature) => {
            let verified = sigv4::verify(&signature, parts, body, secret, now).map_err(fault)?;
            let region = Region::parse(&signature.scope.region).unwrap_or(home);
            (verified.body_reader(parts), signature.access_key, signature.scope.service, region)
        }
        Proof::Presigned(presigned) => {
            presigned.verify(parts, call, secret, now).map_err(fault)?;
            (BodyReader::unverified(parts), presigned.access_key, "s3".to_owned(), home)
        }
    };
    if credential.use_is_news(now) {
        note_use(cx.clone(), access_key, service, region.to_string());
    }
    Ok(Authenticated {
        principal: credential.principal(region.partition()),
        scope: Scope { account: credential.account.clone(), region },
        reader,
    })
}

/// What a request may bring before its operation is known.
pub enum Allowance {
    /// Its key exists.
    Known { bytes: usize },
    /// Nobody knows its key: little, and soon.
    Stranger { bytes: usize },
}

/// How much of a body is held in memory before its request's operation is known, and whose it is.
pub async fn allowance(installation: &Arc<Installation>, parts: &Parts) -> Allowance {
    let bytes = installation.config.max_body_bytes;
    let (most, stranger) = (Allowance::Known { bytes }, Allowance::Stranger { bytes: bytes.min(STRANGERS_BODY_BYTES) });
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

fn note_use(cx: Cx, access_key: String, service: String, region: String) {
    tokio::spawn(async move {
        let noted = platform::iam::note_use(&cx.store, &access_key, &service, &region, cx.now()).await;
        if let Err(e) = noted {
            tracing::warn!(error = %e, "cannot note that a key was used");
        }
    });
}

/// Decides whether the caller may do `call` with `input`.
pub async fn authorize(cx: &Cx, call: &Call, input: &Value) -> Result<(), ApiError> {
    let (service, operation) = (call.service.signing_name(), call.operation.name());
    let asked = Asked { scope: cx.scope(), service, operation, input };
    // What is not listed has resources that nobody knows: whoever is held to policies needs one that allows it on `*`.
    let needs = registry::needs(call.service.name(), &asked);
    let needs = needs.unwrap_or_else(|| vec![asked.itself(Vec::new())]);
    platform::iam::authorize(cx, &needs).await
}
