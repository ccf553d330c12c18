//! Who calls, and whether they may: the one place where access is decided.

use std::sync::Arc;

use base::{ApiError, Region, Scope};
use http::request::Parts;
use platform::{Cx, Principal};
use serde_json::Value;
use wire::sigv4::{self, BodyReader, Fault};
use wire::{Call, Protocol};

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
    _body: Option<&[u8]>,
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
    Err(fault(Fault::UnknownKey(signature.access_key)))
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

/// Decides whether the caller may do `call` with `input`. Policies are not enforced yet: whoever has a valid key of
/// the account may do everything in it.
pub fn authorize(cx: &Cx, call: &Call, input: &Value) -> Result<(), ApiError> {
    let _ = (cx, input, Protocol::Query);
    let action = format!("{}:{}", call.service.signing_name(), call.operation.name());
    tracing::trace!(action, principal.arn = %cx.caller.principal.arn, "allowed");
    Ok(())
}
