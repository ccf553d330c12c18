//! Credentials as IAM knows them: signatures of the credential helper and of git-remote-codecommit, and
//! service-specific user names and passwords.

use std::net::SocketAddr;

use base::{AccountId, ApiError, ErrorKind, Region, Timestamp};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use platform::iam::{CredentialRefusal, Need, authorize};
use platform::{Cx, Principal};
use store::tables::{codecommit_repository, iam_service_credential, iam_user};
use wire::sigv4::{Fault, git_password_verify, git_user};

use super::credentials::{Attempt, GitAuthenticator, Identity, Refused, region_of_host};
use super::serve::{Body, serve};
use crate::installation::Installation;

const SERVICE: &str = "codecommit.amazonaws.com";

/// Regions of AWS, to find the one that a password was signed for: nothing in the request names it.
const REGIONS: &[&str] = &[
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "cn-north-1",
    "cn-northwest-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eusc-de-east-1",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-gov-east-1",
    "us-gov-west-1",
];

const DENIED: &str = "The credentials are not valid for this repository.";

/// Answers a request below `/v1/repos/`.
pub async fn answer<B>(installation: &Installation, request: Request<B>, peer: SocketAddr) -> Response<Body>
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let keys = Keys;
    let authenticator: Option<&dyn GitAuthenticator> = if installation.config.test_mode { None } else { Some(&keys) };
    serve(&installation.cx, authenticator, request, peer.ip().to_string()).await
}

/// The credentials in the store.
pub struct Keys;

impl GitAuthenticator for Keys {
    fn authenticate<'a>(&'a self, cx: &'a Cx, attempt: &'a Attempt) -> BoxFuture<'a, Result<Identity, Refused>> {
        Box::pin(async move {
            match git_user(&attempt.user) {
                user if looks_like_key(user.access_key) => signed(cx, attempt).await,
                _ => service_specific(cx, attempt).await,
            }
        })
    }

    fn authorize<'a>(&'a self, cx: &'a Cx, action: &'a str, resource: &'a str) -> BoxFuture<'a, Result<(), Refused>> {
        Box::pin(async move {
            let decided = authorize(cx, &[Need::new(action, resource)]).await;
            decided.map_err(|e| match e.kind {
                ErrorKind::Client => Refused::Denied(e.message),
                ErrorKind::Server => Refused::Failed(e),
            })
        })
    }
}

/// `AKIA...` and `ASIA...`, which no service-specific user name is: that has `-at-` in it.
fn looks_like_key(user: &str) -> bool {
    user.len() >= 16 && user.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

async fn signed(cx: &Cx, attempt: &Attempt) -> Result<Identity, Refused> {
    let user = git_user(&attempt.user);
    let found = cx.credentials.find(&cx.store, user.access_key).await.map_err(failed)?;
    let credential = found.ok_or_else(denied)?;
    let now = cx.now();
    // git-remote-codecommit writes the token into a URL, escaped; git hands it back unescaped, other clients may not.
    let unescaped = user.session_token.map(unescape);
    credential.check(user.session_token, now).or_else(|_| credential.check(unescaped.as_deref(), now)).map_err(
        |refusal| match refusal {
            CredentialRefusal::Invalid => denied(),
            CredentialRefusal::Expired => Refused::Denied("The security token has expired.".to_owned()),
        },
    )?;
    let regions = candidate_regions(cx, &credential.account, attempt).await?;
    let regions: Vec<&str> = regions.iter().map(Region::as_str).collect();
    let region = verify(attempt, credential.secret.expose(), &regions, now)?;
    let principal = credential.principal(region.partition());
    Ok(Identity { account: credential.account.clone(), region: Some(region), principal })
}

fn verify(attempt: &Attempt, secret: &str, regions: &[&str], now: Timestamp) -> Result<Region, Refused> {
    let Attempt { password, host, path, .. } = attempt;
    match git_password_verify(password.expose(), secret, regions, host, path, now) {
        Ok(region) => Region::parse(region).ok_or_else(denied),
        Err(Fault::Skewed { request, server }) => Err(Refused::Denied(format!(
            "The signature was made at {request} and it is {server} now: check the clock and try again."
        ))),
        Err(_) => Err(denied()),
    }
}

/// The likely regions first: the host's, those with a repository of this name, our own; then all that AWS has.
async fn candidate_regions(cx: &Cx, account: &AccountId, attempt: &Attempt) -> Result<Vec<Region>, Refused> {
    if let Some(region) = region_of_host(&attempt.host) {
        return Ok(vec![region]);
    }
    let mut tx = cx.store.read().await.map_err(failed)?;
    let rows =
        codecommit_repository::find_in_account(&mut tx, account.as_str(), &attempt.name).await.map_err(failed)?;
    let mut regions: Vec<Region> = rows.into_iter().map(|row| row.scope.region).collect();
    regions.push(cx.scope().region.clone());
    for region in REGIONS.iter().filter_map(|name| Region::parse(name)) {
        if !regions.contains(&region) {
            regions.push(region);
        }
    }
    Ok(regions)
}

async fn service_specific(cx: &Cx, attempt: &Attempt) -> Result<Identity, Refused> {
    let mut tx = cx.store.read().await.map_err(failed)?;
    let row = iam_service_credential::get_by_service_user(&mut tx, SERVICE, &attempt.user).await.map_err(failed)?;
    let hash = hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, attempt.password.expose().as_bytes()));
    let now = cx.now();
    let row = row.filter(|row| {
        aws_lc_rs::constant_time::verify_slices_are_equal(hash.as_bytes(), row.password_hash.as_bytes()).is_ok()
            && row.status == "Active"
            && row.expires.is_none_or(|at| now < at)
    });
    let row = row.ok_or_else(denied)?;
    let user = iam_user::get_by_id(&mut tx, &row.owner).await.map_err(failed)?.ok_or_else(denied)?;
    let account = AccountId::parse(&row.account).ok_or_else(denied)?;
    let partition = cx.scope().region.partition();
    let arn = format!("arn:{partition}:iam::{account}:user{}{}", user.path, user.name);
    Ok(Identity {
        account,
        region: None,
        principal: Principal { arn, user_id: user.id, access_key: None, rights: None },
    })
}

/// Resolves `%XX`; leaves what is not of that form.
fn unescape(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn denied() -> Refused {
    Refused::Denied(DENIED.to_owned())
}

fn failed(e: store::Error) -> Refused {
    Refused::Failed(ApiError::from(e))
}
