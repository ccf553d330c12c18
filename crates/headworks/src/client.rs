//! A small AWS client for our own commands: signs requests and speaks awsJson and S3.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use base::{Clock, Region, Secret, SystemClock, Timestamp};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::upgrade::Upgraded;
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use wire::sigv4::{Credentials, Payload, Target, git_password, sign};

use crate::cli::CliError;
use crate::config::Config;
use crate::installation::Installation;
use crate::root_key::{self, RootKey};
use crate::up::running_endpoint;

/// Answers larger than this are not ours.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// A client that acts with the installation's root key.
pub struct Client {
    endpoint: String,
    region: Region,
    credentials: Credentials,
    http: HyperClient<HttpConnector, Full<Bytes>>,
    clock: Arc<dyn Clock>,
}

impl Client {
    /// A client of a server in this process.
    pub fn of(installation: &Installation) -> Result<Self, CliError> {
        let key = root_key::read(&installation.cx.site.data_dir)?;
        Ok(Self::new(installation.cx.site.endpoint.clone(), installation.config.region.clone(), key))
    }

    /// A client of the server that runs on the configured data folder.
    pub fn of_data_dir(config: &Config) -> Result<Self, CliError> {
        let dir: PathBuf = std::fs::canonicalize(&config.data_dir).map_err(|e| {
            CliError::user(format!("no data folder at {}: {e}", config.data_dir.display()))
                .hint("run `headworks up` first, or name its folder with --data")
        })?;
        let endpoint = running_endpoint(&dir).unwrap_or_else(|| format!("http://{}", config.listen));
        Ok(Self::new(endpoint, config.region.clone(), root_key::read(&dir)?))
    }

    /// A client that acts with the caller's own credentials, where the environment has some, as AWS's clients do.
    pub fn of_caller(config: &Config) -> Result<Self, CliError> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let keys = (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY"), variable("AWS_ENDPOINT_URL"));
        let (Some(access_key), Some(secret), Some(endpoint)) = keys else { return Self::of_data_dir(config) };
        let region = variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION"));
        let region = region.and_then(|region| Region::parse(&region)).unwrap_or_else(|| config.region.clone());
        let key = RootKey { access_key_id: access_key, secret_access_key: Secret::new(secret) };
        let mut client = Self::new(endpoint.trim_end_matches('/').to_owned(), region, key);
        client.credentials.session_token = variable("AWS_SESSION_TOKEN").map(Secret::new);
        Ok(client)
    }

    fn new(endpoint: String, region: Region, key: RootKey) -> Self {
        let credentials =
            Credentials { access_key: key.access_key_id, secret: key.secret_access_key, session_token: None };
        let http = HyperClient::builder(TokioExecutor::new()).build_http();
        Client { endpoint, region, credentials, http, clock: Arc::new(SystemClock) }
    }

    /// The same server, asked with other credentials.
    pub fn with(&self, credentials: Credentials) -> Self {
        let (endpoint, region, http) = (self.endpoint.clone(), self.region.clone(), self.http.clone());
        Client { endpoint, region, credentials, http, clock: self.clock.clone() }
    }

    /// Where the server is.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Calls an operation of an awsJson service; answers with its output as the wire carries it.
    pub async fn call(&self, service: &str, operation: &str, input: Value) -> Result<Value, CliError> {
        self.ask(service, operation, input).await?.map_err(|refused| CliError::user(refused.to_string()))
    }

    /// As `call`, and a refusal is an answer.
    pub async fn ask(&self, service: &str, operation: &str, input: Value) -> Result<Result<Value, Refused>, CliError> {
        let model =
            wire::models().service(service).ok_or_else(|| CliError::internal(format!("no service {service}")))?;
        let target = format!("{}.{operation}", model.target_prefix().unwrap_or_default());
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}/", self.endpoint))
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", target);
        let body = Bytes::from(input.to_string());
        let (status, answer) = self.send(request, body, model.signing_name()).await?;
        if status.is_success() {
            return Ok(Ok(serde_json::from_slice(&answer).unwrap_or_default()));
        }
        Ok(Err(Refused::of(operation, status, &answer)))
    }

    /// Sends a request for an object, whose answer may be long.
    pub async fn object(&self, request: http::request::Builder, body: Bytes) -> Result<Response<Incoming>, CliError> {
        self.request(self.signed(request, body, "s3")?).await
    }

    /// Calls an operation of an awsJson service that goes over to `protocol`; gives the connection.
    pub async fn go_over(
        &self,
        service: &str,
        operation: &str,
        input: Value,
        (protocol, headers): (&str, &[(&str, String)]),
    ) -> Result<TokioIo<Upgraded>, CliError> {
        let model =
            wire::models().service(service).ok_or_else(|| CliError::internal(format!("no service {service}")))?;
        let target = format!("{}.{operation}", model.target_prefix().unwrap_or_default());
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}/", self.endpoint))
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", target);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let body = Bytes::from(input.to_string());
        let mut request = self.signed(request, body, model.signing_name())?;
        let value = |text: &str| HeaderValue::from_str(text).map_err(CliError::internal);
        // Of the connection, not of the request: not signed.
        request.headers_mut().insert(header::CONNECTION, value("upgrade")?);
        request.headers_mut().insert(header::UPGRADE, value(protocol)?);
        let answer = self.request(request).await?;
        if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
            return hyper::upgrade::on(answer).await.map(TokioIo::new).map_err(CliError::environment);
        }
        let (status, answer) = taken(answer).await?;
        Err(refusal(operation, status, &answer))
    }

    /// Calls an operation of a query service (IAM).
    pub async fn query(&self, service: &str, operation: &str, parameters: &[(&str, &str)]) -> Result<(), CliError> {
        let model =
            wire::models().service(service).ok_or_else(|| CliError::internal(format!("no service {service}")))?;
        let mut body = format!("Action={operation}&Version={}", model.api_version());
        for (name, value) in parameters {
            body.push_str(&format!("&{name}={}", wire::uri::encode(value)));
        }
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}/", self.endpoint))
            .header("content-type", "application/x-www-form-urlencoded; charset=utf-8");
        let (status, answer) = self.send(request, Bytes::from(body), model.signing_name()).await?;
        if status.is_success() {
            return Ok(());
        }
        Err(CliError::user(format!("{operation} answered {status}: {}", String::from_utf8_lossy(&answer))))
    }

    /// Makes a bucket.
    pub async fn create_bucket(&self, bucket: &str) -> Result<(), CliError> {
        self.s3(Method::PUT, bucket, "").await.map(|_| ())
    }

    /// An object's content.
    pub async fn get_object(&self, bucket: &str, key: &str) -> Result<Bytes, CliError> {
        self.s3(Method::GET, bucket, key).await
    }

    async fn s3(&self, method: Method, bucket: &str, key: &str) -> Result<Bytes, CliError> {
        let uri = format!("{}/{bucket}/{key}", self.endpoint);
        let request = Request::builder().method(method.clone()).uri(uri.trim_end_matches('/'));
        let (status, answer) = self.send(request, Bytes::new(), "s3").await?;
        if status.is_success() {
            return Ok(answer);
        }
        Err(CliError::user(format!("{method} {bucket}/{key} answered {status}: {}", String::from_utf8_lossy(&answer))))
    }

    async fn send(
        &self,
        request: http::request::Builder,
        body: Bytes,
        service: &str,
    ) -> Result<(StatusCode, Bytes), CliError> {
        taken(self.request(self.signed(request, body, service)?).await?).await
    }

    fn signed(
        &self,
        request: http::request::Builder,
        body: Bytes,
        service: &str,
    ) -> Result<Request<Full<Bytes>>, CliError> {
        let (mut parts, ()) = request.body(()).map_err(CliError::internal)?.into_parts();
        let target = Target { region: self.region.as_str(), service };
        sign(&mut parts, Payload::Bytes(&body), &self.credentials, target, self.clock.now())
            .map_err(CliError::internal)?;
        Ok(Request::from_parts(parts, Full::new(body)))
    }

    async fn request(&self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, CliError> {
        self.http
            .request(request)
            .await
            .map_err(|e| CliError::environment(e).hint(format!("is the server running? It was at {}", self.endpoint)))
    }

    /// User and password for git over HTTP at `url`, as AWS's credential helper makes them.
    pub fn git_credentials(&self, url: &str) -> Result<(String, String), CliError> {
        let uri: http::Uri = url.parse().map_err(CliError::internal)?;
        let host = uri.authority().map(ToString::to_string).unwrap_or_default();
        let secret = self.credentials.secret.expose();
        let password = git_password(secret, self.region.as_str(), &host, uri.path(), self.clock.now());
        Ok((self.credentials.access_key.clone(), password))
    }

    /// A time in an answer, in milliseconds.
    pub fn millis(&self, value: &Value) -> i64 {
        let text = value.as_str().and_then(Timestamp::parse).map(Timestamp::millis);
        value.as_i64().or(text).unwrap_or_default()
    }
}

/// The whole answer.
pub(crate) async fn taken(answer: Response<Incoming>) -> Result<(StatusCode, Bytes), CliError> {
    let status = answer.status();
    let body = http_body_util::Limited::new(answer.into_body(), MAX_ANSWER_BYTES).collect().await;
    Ok((status, body.map_err(CliError::environment)?.to_bytes()))
}

/// What an awsJson service refuses.
pub(crate) fn refusal(operation: &str, status: StatusCode, answer: &[u8]) -> CliError {
    CliError::user(Refused::of(operation, status, answer).to_string())
}

/// What a service said instead of doing what it was asked for.
#[derive(Clone, Debug)]
pub struct Refused {
    pub operation: String,
    pub status: StatusCode,
    pub code: String,
    pub message: String,
}

impl Refused {
    fn of(operation: &str, status: StatusCode, answer: &[u8]) -> Self {
        let value: Value = serde_json::from_slice(answer).unwrap_or_default();
        let code = value["__type"].as_str().unwrap_or("error").to_owned();
        let message = value["message"].as_str().or(value["Message"].as_str()).unwrap_or("no message").to_owned();
        Refused { operation: operation.to_owned(), status, code, message }
    }

    /// Whether asking again would be answered the same.
    pub fn is_final(&self) -> bool {
        self.status.is_client_error() && self.status != StatusCode::TOO_MANY_REQUESTS
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Refused { operation, status, code, message } = self;
        write!(f, "{operation} answered {status} {code}: {message}")
    }
}
