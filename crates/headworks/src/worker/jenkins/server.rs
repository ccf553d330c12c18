//! One Jenkins, asked by HTTP (Jenkins handbook, "Remote Access API").

use std::path::PathBuf;
use std::time::Duration;

use base::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, Uri, header};
use http_body_util::Full;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use serde_json::Value;

use crate::cli::CliError;
use crate::client::taken;
use crate::dial::connect;
use crate::front::bundle_paths;
use crate::worker::flags::JenkinsFlags;

/// How long Jenkins may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// Where the API token is, unless a file is named. Never on the command line: others could read it there.
const TOKEN: &str = "HEADWORKS_JENKINS_TOKEN";

/// A Jenkins and who asks it.
pub(in crate::worker) struct Jenkins {
    /// Without a slash at its end.
    base: String,
    login: Option<Login>,
    authorities: PathBuf,
    /// The pause between two looks at a build.
    pub(super) every: Duration,
}

struct Login {
    user: String,
    token: Secret<String>,
}

/// Why Jenkins did not do it.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It said no; asking again changes nothing.
    Refused(String),
    /// It is not there now, or not well.
    Away(String),
}

/// What Jenkins answered.
pub(super) struct Answer {
    pub headers: HeaderMap,
}

/// What guards against forged requests, and the session that it is of.
#[derive(Default)]
struct Crumb {
    field: Option<(String, String)>,
    cookies: String,
}

impl Jenkins {
    /// The Jenkins that the flags name.
    pub(in crate::worker) fn of(url: &str, flags: &JenkinsFlags, every: Duration) -> Result<Self, CliError> {
        let uri: Uri = url.parse().map_err(|e| CliError::user(format!("--jenkins {url} is no URL: {e}")))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none() {
            return Err(CliError::user(format!("--jenkins {url} is no URL of http or https")));
        }
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err(CliError::user("--jenkins must not have a password in it")
                .hint(format!("name the user with --jenkins-user, and have the API token in {TOKEN}")));
        }
        let token = match &flags.jenkins_token_file {
            Some(path) => {
                Some(std::fs::read_to_string(path).map_err(|e| CliError::user(format!("{}: {e}", path.display())))?)
            }
            None => std::env::var(TOKEN).ok(),
        };
        let token = token.map(|token| token.trim().to_owned()).filter(|token| !token.is_empty());
        let login = match (flags.jenkins_user.clone(), token) {
            (Some(user), Some(token)) => Some(Login { user, token: Secret::new(token) }),
            (Some(_), None) => {
                return Err(CliError::user("--jenkins-user needs an API token")
                    .hint(format!("have it in {TOKEN}, or in the file of --jenkins-token-file")));
            }
            (None, _) => None,
        };
        let named = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
        let authorities = named.or_else(|| bundle_paths().into_iter().next()).unwrap_or_default();
        Ok(Jenkins { base: url.trim_end_matches('/').to_owned(), login, authorities, every })
    }

    /// How people reach what is at `path`.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.base)
    }

    /// Reads a resource; `None` when it is not there.
    pub(super) async fn get(&self, path: &str, tree: &str) -> Result<Option<Value>, Trouble> {
        let path = format!("{path}/api/json?tree={}", wire::uri::encode(tree));
        let (status, _, body) = self.send(Method::GET, &path, &Crumb::default(), None).await?;
        match status {
            StatusCode::NOT_FOUND => Ok(None),
            _ => {
                self.check(status, &path)?;
                let value = serde_json::from_slice(&body);
                value.map(Some).map_err(|e| Trouble::Away(format!("{} answered no JSON: {e}", self.url(&path))))
            }
        }
    }

    /// Has Jenkins do something. The form goes in the body, where no log shows it.
    pub(super) async fn post(&self, path: &str, form: &[(String, String)]) -> Result<Answer, Trouble> {
        let crumb = self.crumb().await?;
        let fields: Vec<String> =
            form.iter().map(|(k, v)| format!("{}={}", wire::uri::encode(k), wire::uri::encode(v))).collect();
        let (status, headers, _) = self.send(Method::POST, path, &crumb, Some(fields.join("&"))).await?;
        self.check(status, path)?;
        Ok(Answer { headers })
    }

    async fn crumb(&self) -> Result<Crumb, Trouble> {
        let (status, headers, body) = self.send(Method::GET, "crumbIssuer/api/json", &Crumb::default(), None).await?;
        if status == StatusCode::NOT_FOUND {
            // Jenkins is set up without.
            return Ok(Crumb::default());
        }
        self.check(status, "crumbIssuer")?;
        let told: Value = serde_json::from_slice(&body).unwrap_or_default();
        let text = |name: &str| told[name].as_str().map(str::to_owned);
        // A crumb is good in its session alone.
        let cookies = headers.get_all(header::SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
        let cookies: Vec<&str> = cookies.filter_map(|cookie| cookie.split(';').next()).collect();
        Ok(Crumb { field: text("crumbRequestField").zip(text("crumb")), cookies: cookies.join("; ") })
    }

    fn check(&self, status: StatusCode, path: &str) -> Result<(), Trouble> {
        let path = path.split_once('?').map_or(path, |(path, _)| path);
        let said = format!("{} answered {status}", self.url(path));
        match status {
            // Jenkins answers a form with the page that a browser would go to.
            _ if status.is_success() || status.is_redirection() => Ok(()),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => Err(Trouble::Away(said)),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Err(Trouble::Refused(format!("{said}: the worker's user may not do this in Jenkins")))
            }
            _ if status.is_client_error() => Err(Trouble::Refused(said)),
            _ => Err(Trouble::Away(said)),
        }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        crumb: &Crumb,
        form: Option<String>,
    ) -> Result<(StatusCode, HeaderMap, Bytes), Trouble> {
        let exchange = tokio::time::timeout(ANSWER_LIMIT, self.exchange(method, path, crumb, form)).await;
        exchange
            .map_err(|_| format!("no answer within {} seconds", ANSWER_LIMIT.as_secs()))
            .flatten()
            .map_err(|why| Trouble::Away(format!("{}: {why}", self.base)))
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        crumb: &Crumb,
        form: Option<String>,
    ) -> Result<(StatusCode, HeaderMap, Bytes), String> {
        fn why(e: impl std::fmt::Display) -> String {
            e.to_string()
        }
        let uri: Uri = self.url(path).parse().map_err(why)?;
        let authority = uri.authority().map(ToString::to_string).unwrap_or_default();
        let at = uri.path_and_query().map_or("/", |at| at.as_str());
        let mut request = Request::builder().method(method).uri(at).header(header::HOST, authority);
        if let Some(Login { user, token }) = &self.login {
            let pair = STANDARD.encode(format!("{user}:{}", token.expose()));
            request = request.header(header::AUTHORIZATION, format!("Basic {pair}"));
        }
        if let Some((field, value)) = &crumb.field {
            request = request.header(field, value);
        }
        if !crumb.cookies.is_empty() {
            request = request.header(header::COOKIE, &crumb.cookies);
        }
        if form.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        let body = Full::new(Bytes::from(form.unwrap_or_default()));
        let request = request.body(body).map_err(why)?;
        let connection = connect(&uri, &self.authorities).await.map_err(why)?;
        let (mut sender, driving) = handshake(TokioIo::new(connection)).await.map_err(why)?;
        let driving = tokio::spawn(driving);
        let answer = sender.send_request(request).await.map_err(why)?;
        let headers = answer.headers().clone();
        let (status, body) = taken(answer).await.map_err(why)?;
        driving.abort();
        Ok((status, headers, body))
    }
}
