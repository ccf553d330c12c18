//! A git request's way: route, authenticate, find the repository, decide, serve.

use std::io;

use base::{ApiError, Region, Secret};
use bytes::Bytes;
use devtools::codecommit;
use futures_util::{StreamExt as _, TryStreamExt as _};
use git::{BodyStream, ObjectId, PushLimits, Service};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use platform::{Caller, Cx};
use store::tables::codecommit_ref;
use store::tables::codecommit_repository::{self, Row};

use super::credentials::{Attempt, GitAuthenticator, Identity, Refused, basic, region_of_host};
use super::routes::{Route, Step, route};
use crate::server::within;

/// Bodies of answers.
pub type Body = UnsyncBoxBody<Bytes, io::Error>;

/// Answers one request below `/v1/repos/`. `cx` is nobody's in particular; `None` as authenticator accepts anyone
/// (test mode).
pub async fn serve<B>(
    cx: &Cx,
    authenticator: Option<&dyn GitAuthenticator>,
    request: Request<B>,
    source_ip: String,
) -> Response<Body>
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let Some(route) = route(request.method(), request.uri()) else {
        return text(StatusCode::NOT_FOUND, "This is neither git's smart HTTP nor an operation.");
    };
    let request_id = cx.ids.uuid().to_string();
    let (parts, body) = request.into_parts();
    let identity = match identify(cx, authenticator, &parts.headers, &route).await {
        Ok(identity) => identity,
        Err(response) => return *response,
    };
    let result = run(cx, authenticator, identity, &route, &parts.headers, body, &request_id, source_ip).await;
    result.unwrap_or_else(|failure| match failure {
        Failure::NotFound => text(StatusCode::NOT_FOUND, &format!("{} does not exist", route.name)),
        Failure::Refused(Refused::Denied(message)) => text(StatusCode::FORBIDDEN, &message),
        Failure::Refused(Refused::Failed(e)) | Failure::Api(e) => broken(&e, &request_id, &route),
        Failure::Git(git::Error::NoRepository(_)) => {
            text(StatusCode::NOT_FOUND, &format!("{} does not exist", route.name))
        }
        Failure::Git(e @ git::Error::Protocol(_)) => text(StatusCode::BAD_REQUEST, &e.to_string()),
        Failure::Git(e) => broken(&ApiError::internal(e), &request_id, &route),
        Failure::MediaType => text(StatusCode::UNSUPPORTED_MEDIA_TYPE, "The content type is not git's."),
    })
}

enum Failure {
    NotFound,
    MediaType,
    Refused(Refused),
    Git(git::Error),
    Api(ApiError),
}

impl From<ApiError> for Failure {
    fn from(e: ApiError) -> Self {
        Failure::Api(e)
    }
}

impl From<store::Error> for Failure {
    fn from(e: store::Error) -> Self {
        Failure::Api(e.into())
    }
}

impl From<git::Error> for Failure {
    fn from(e: git::Error) -> Self {
        Failure::Git(e)
    }
}

async fn identify(
    cx: &Cx,
    authenticator: Option<&dyn GitAuthenticator>,
    headers: &HeaderMap,
    route: &Route,
) -> Result<Identity, Box<Response<Body>>> {
    let Some(authenticator) = authenticator else {
        let Caller { scope, principal, .. } = cx.caller.clone();
        return Ok(Identity { account: scope.account, region: None, principal });
    };
    let Some((user, password)) = basic(headers) else {
        let mut response = text(StatusCode::UNAUTHORIZED, "Git needs credentials for this repository.");
        let challenge = HeaderValue::from_static("Basic realm=\"CodeCommit\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        return Err(Box::new(response));
    };
    let (host, path, name) = (host(headers).to_owned(), route.path.clone(), route.name.clone());
    let attempt = Attempt { user, password: Secret::new(password), host, path, name };
    authenticator.authenticate(cx, &attempt).await.map_err(|refused| {
        Box::new(match refused {
            // As AWS: a wrong signature is 403, so that git does not ask the person again.
            Refused::Denied(message) => text(StatusCode::FORBIDDEN, &message),
            Refused::Failed(e) => broken(&e, "", route),
        })
    })
}

#[expect(clippy::too_many_arguments, reason = "each is a different part of one request")]
async fn run<B>(
    cx: &Cx,
    authenticator: Option<&dyn GitAuthenticator>,
    identity: Identity,
    route: &Route,
    headers: &HeaderMap,
    body: B,
    request_id: &str,
    source_ip: String,
) -> Result<Response<Body>, Failure>
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let region = identity.region.clone().or_else(|| region_of_host(host(headers)));
    let row = find(cx, &identity, region, &route.name).await?.ok_or(Failure::NotFound)?;
    let caller = Caller {
        scope: row.scope.clone(),
        principal: identity.principal,
        request_id: request_id.to_owned(),
        source_ip,
    };
    let cx = Cx { caller, ..cx.clone() };
    if let Some(authenticator) = authenticator {
        let action = match route.service {
            Service::UploadPack => "codecommit:GitPull",
            Service::ReceivePack => "codecommit:GitPush",
        };
        let resource = row.scope.arn("codecommit", row.name.clone()).to_string();
        authenticator.authorize(&cx, action, &resource).await.map_err(Failure::Refused)?;
    }
    if matches!(route.service, Service::ReceivePack) {
        cx.room()?;
    }
    let protocol = headers.get("git-protocol").and_then(|v| v.to_str().ok());
    let body: BodyStream = match (route.step, route.service) {
        (Step::Advertise, Service::UploadPack) => {
            codecommit::open_for_git(&cx, &row).await?.advertise_upload_pack(protocol)?
        }
        (Step::Advertise, Service::ReceivePack) => {
            let refs = codecommit_ref::all(&mut cx.store.read().await?, &row.id).await?;
            let refs: Vec<_> = refs.into_iter().filter_map(|r| Some((r.name, ObjectId::parse(&r.object)?))).collect();
            once(git::advertise_receive_pack(&refs))
        }
        (Step::Serve, Service::UploadPack) => {
            let body = request_body(headers, body, route.service)?;
            codecommit::open_for_git(&cx, &row).await?.upload_pack(protocol, body)?
        }
        (Step::Serve, Service::ReceivePack) => {
            let body = request_body(headers, body, route.service)?;
            once(push(cx, &row, body).await?)
        }
    };
    let kind = match route.step {
        Step::Advertise => "advertisement",
        Step::Serve => "result",
    };
    let media = format!("application/x-{}-{kind}", route.service.name());
    let mut response = Response::new(BodyExt::boxed_unsync(StreamBody::new(body.map_ok(Frame::data))));
    let media = HeaderValue::from_str(&media).map_err(ApiError::internal)?;
    response.headers_mut().insert(header::CONTENT_TYPE, media);
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, max-age=0, must-revalidate"));
    Ok(response)
}

async fn push(cx: Cx, row: &Row, body: BodyStream) -> Result<Vec<u8>, Failure> {
    // The check of what a push connects to starts at the refs on disk.
    let repository = codecommit::open_for_git(&cx, row).await?;
    let publisher = codecommit::Publisher::new(cx, repository.clone());
    let answer = repository.receive_pack(body, &PushLimits::default(), &publisher).await?;
    tokio::spawn(async move {
        if let Err(e) = repository.maintain().await {
            tracing::warn!(repository.id = repository.id(), error = %e, "joining packs failed");
        }
    });
    Ok(answer)
}

/// The repository in the region that the request names; without one, the oldest of the account with this name.
async fn find(cx: &Cx, identity: &Identity, region: Option<Region>, name: &str) -> Result<Option<Row>, store::Error> {
    let mut tx = cx.store.read().await?;
    let rows = codecommit_repository::find_in_account(&mut tx, identity.account.as_str(), name).await?;
    Ok(match region {
        Some(region) => rows.into_iter().find(|row| row.scope.region == region),
        None => {
            let (home, others): (Vec<Row>, Vec<Row>) =
                rows.into_iter().partition(|row| row.scope.region == cx.scope().region);
            home.into_iter().chain(others).next()
        }
    })
}

fn request_body<B>(headers: &HeaderMap, body: B, service: Service) -> Result<BodyStream, Failure>
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let is =
        |name: header::HeaderName, wanted: &str| headers.get(name).is_some_and(|v| v.as_bytes() == wanted.as_bytes());
    if !is(header::CONTENT_TYPE, &format!("application/x-{}-request", service.name())) {
        return Err(Failure::MediaType);
    }
    let pieces = Box::pin(body.into_data_stream().map_err(io::Error::other));
    let stream: BodyStream = Box::pin(futures_util::stream::try_unfold(pieces, async |mut pieces| {
        let next = within(pieces.next()).await.map_err(io::Error::other)?.transpose()?;
        Ok(next.map(|piece| (piece, pieces)))
    }));
    let zipped = is(header::CONTENT_ENCODING, "gzip") || is(header::CONTENT_ENCODING, "x-gzip");
    Ok(if zipped { git::gunzip(stream) } else { stream })
}

fn host(headers: &HeaderMap) -> &str {
    headers.get(header::HOST).and_then(|v| v.to_str().ok()).unwrap_or_default()
}

fn once(bytes: Vec<u8>) -> BodyStream {
    futures_util::stream::iter([Ok(Bytes::from(bytes))]).boxed()
}

fn text(status: StatusCode, message: &str) -> Response<Body> {
    let body = Full::new(Bytes::from(format!("{message}\n"))).map_err(|never| match never {}).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

fn broken(e: &ApiError, request_id: &str, route: &Route) -> Response<Body> {
    let mut causes = Vec::new();
    let mut next = std::error::Error::source(e);
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    let cause = causes.join(": ");
    tracing::error!(request.id = request_id, repository.name = route.name, error = %e, cause, "a git request failed");
    let status = e.status.and_then(|s| StatusCode::from_u16(s).ok()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    text(status, &format!("{} Request id: {request_id}", e.message))
}
