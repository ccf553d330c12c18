//! A server of one repository with its refs in memory, and a client.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _};
use git::{
    BodyStream, BoxFuture, ObjectId, PublishError, PushLimits, RefChange, RefPublisher, RefRefusal, Repositories,
    Repository, Service, advertise_receive_pack, gunzip,
};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper_util::rt::TokioIo;

pub const ID: &str = "12345678-1234-5678-abcd-12345678abcd";

/// Refs in memory: what the store does in the product.
#[derive(Default)]
pub struct Refs {
    pub now: BTreeMap<String, ObjectId>,
    /// Every change that was made, in order.
    pub log: Vec<RefChange>,
}

pub struct Server {
    pub root: tempfile::TempDir,
    pub repositories: Repositories,
    pub refs: Mutex<Refs>,
    /// `content-encoding`, `transfer-encoding` and `git-protocol` of each request.
    pub seen: Mutex<Vec<String>>,
    pub limits: PushLimits,
    /// What `authorization` must be; others get a 401.
    pub authorization: Mutex<Option<String>>,
    /// Where every request is sent on to.
    pub redirect: Mutex<Option<String>>,
    /// `authorization` of each request that had one.
    pub logins: Mutex<Vec<String>>,
    port: u16,
}

impl RefPublisher for Server {
    fn publish<'a>(
        &'a self,
        changes: &'a [RefChange],
        atomic: bool,
    ) -> BoxFuture<'a, Result<Vec<Result<(), RefRefusal>>, PublishError>> {
        Box::pin(async move {
            if !self.repositories.exists(ID) {
                return Err(PublishError::Gone);
            }
            let mut refs = self.refs.lock().unwrap();
            let fits = |c: &RefChange| refs.now.get(&c.name).copied().unwrap_or(ObjectId::NULL) == c.old;
            let stale = || Err(RefRefusal("incorrect old value provided".to_owned()));
            if atomic && !changes.iter().all(fits) {
                return Ok(changes.iter().map(|_| stale()).collect());
            }
            let fitting: Vec<bool> = changes.iter().map(fits).collect();
            for (change, fits) in changes.iter().zip(&fitting) {
                if !fits {
                    continue;
                }
                refs.log.push(change.clone());
                if change.new.is_null() {
                    refs.now.remove(&change.name);
                } else {
                    refs.now.insert(change.name.clone(), change.new);
                }
            }
            self.mirror(&refs);
            Ok(fitting.into_iter().map(|fits| if fits { Ok(()) } else { stale() }).collect())
        })
    }
}

impl Server {
    pub async fn start() -> Arc<Server> {
        Server::start_with(PushLimits::default()).await
    }

    pub async fn start_with(limits: PushLimits) -> Arc<Server> {
        let root = tempfile::tempdir().unwrap();
        let repositories = Repositories::new(root.path().join("repositories"));
        repositories.create(ID).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (refs, seen, authorization, redirect, logins) = Default::default();
        let server = Arc::new(Server { root, repositories, refs, seen, limits, authorization, redirect, logins, port });
        let shared = server.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let server = shared.clone();
                let service = hyper::service::service_fn(move |request| {
                    let server = server.clone();
                    async move { Ok::<_, Infallible>(server.answer(request).await) }
                });
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service),
                );
            }
        });
        server
    }

    pub fn repository(&self) -> Repository {
        self.repositories.open(ID).unwrap()
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/v1/repos/demo", self.port)
    }

    pub fn log(&self) -> Vec<String> {
        let show = |c: &RefChange| {
            let verb = match (c.old.is_null(), c.new.is_null()) {
                (true, _) => "create",
                (false, true) => "delete",
                (false, false) => "update",
            };
            format!("{verb} {}", c.name)
        };
        self.refs.lock().unwrap().log.iter().map(show).collect()
    }

    pub fn mirror(&self, refs: &Refs) {
        let repository = self.repository();
        let lock = repository.lock().unwrap();
        let now: Vec<_> = refs.now.iter().map(|(n, id)| (n.clone(), *id)).collect();
        let number = i64::try_from(refs.log.len()).unwrap();
        repository.mirror(&lock, &now, Some("refs/heads/main"), number).unwrap();
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<StreamBody<BodyStreamOfFrames>> {
        let header =
            |name: &str| request.headers().get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
        let protocol = header("git-protocol");
        let encoding = header("content-encoding");
        let path = request.uri().path().to_owned();
        self.seen.lock().unwrap().push(format!("{path} {encoding} {} {protocol}", header("transfer-encoding")));
        let protocol = Some(protocol).filter(|p| !p.is_empty());
        let login = header("authorization");
        if !login.is_empty() {
            self.logins.lock().unwrap().push(login.clone());
        }
        if self.authorization.lock().unwrap().as_ref().is_some_and(|wanted| *wanted != login) {
            let mut refused = status(StatusCode::UNAUTHORIZED);
            refused.headers_mut().insert("www-authenticate", "Basic realm=\"git\"".parse().unwrap());
            return refused;
        }
        if let Some(other) = &*self.redirect.lock().unwrap() {
            let mut elsewhere = status(StatusCode::FOUND);
            let rest = request.uri().path_and_query().unwrap().as_str().strip_prefix("/v1/repos/demo").unwrap();
            elsewhere.headers_mut().insert("location", format!("{other}{rest}").parse().unwrap());
            return elsewhere;
        }
        let Ok(repository) = self.repositories.open(ID) else { return status(StatusCode::NOT_FOUND) };
        let query = request.uri().query().unwrap_or_default().to_owned();
        let mut body: BodyStream = Box::pin(request.into_body().into_data_stream().map_err(std::io::Error::other));
        if encoding == "gzip" {
            body = gunzip(body);
        }
        let service = path.rsplit('/').next().unwrap_or_default();
        let (kind, answer): (String, Result<BodyStream, git::Error>) = if service == "refs" {
            let service = Service::parse(query.trim_start_matches("service=")).unwrap();
            let answer = match service {
                Service::UploadPack => repository.advertise_upload_pack(protocol.as_deref()),
                Service::ReceivePack => {
                    let refs: Vec<_> = self.refs.lock().unwrap().now.iter().map(|(n, i)| (n.clone(), *i)).collect();
                    Ok(once(advertise_receive_pack(&refs)))
                }
            };
            (format!("{}-advertisement", service.name()), answer)
        } else {
            let answer = match Service::parse(service).unwrap() {
                Service::UploadPack => repository.upload_pack(protocol.as_deref(), body),
                Service::ReceivePack => repository.receive_pack(body, &self.limits, self).await.map(once),
            };
            (format!("{service}-result"), answer)
        };
        match answer {
            Err(git::Error::NoRepository(_)) => status(StatusCode::NOT_FOUND),
            Err(e) => {
                eprintln!("{e}: {:?}", std::error::Error::source(&e).map(ToString::to_string));
                status(StatusCode::BAD_REQUEST)
            }
            Ok(body) => {
                let frames: BodyStreamOfFrames = Box::pin(body.map_ok(Frame::data));
                Response::builder()
                    .header("content-type", format!("application/x-{kind}"))
                    .body(StreamBody::new(frames))
                    .unwrap()
            }
        }
    }
}

type BodyStreamOfFrames = std::pin::Pin<Box<dyn futures_util::Stream<Item = std::io::Result<Frame<Bytes>>> + Send>>;

fn once(bytes: Vec<u8>) -> BodyStream {
    futures_util::stream::iter([Ok(Bytes::from(bytes))]).boxed()
}

fn status(status: StatusCode) -> Response<StreamBody<BodyStreamOfFrames>> {
    let empty: BodyStreamOfFrames = Box::pin(futures_util::stream::empty());
    let mut response = Response::new(StreamBody::new(empty));
    *response.status_mut() = status;
    response
}

/// A folder where git runs as a client.
pub struct Client {
    pub dir: PathBuf,
    _home: tempfile::TempDir,
}

impl Client {
    /// A fresh repository with one commit on `main` and the server as `origin`.
    pub async fn new(server: &Server) -> Client {
        let client = Client::empty();
        client.ok(&["init", "-q", "-b", "main", "."]).await;
        client.ok(&["remote", "add", "origin", &server.url()]).await;
        client.commit("README.md", "hello\n").await;
        client
    }

    pub fn empty() -> Client {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("work");
        std::fs::create_dir(&dir).unwrap();
        Client { dir, _home: home }
    }

    /// A clone of the server's repository.
    pub async fn clone_of(server: &Server, options: &[&str]) -> Client {
        let client = Client::empty();
        let url = server.url();
        let args: Vec<&str> =
            ["clone", "-q"].into_iter().chain(options.iter().copied()).chain([url.as_str(), "."]).collect();
        client.ok(&args).await;
        client
    }

    #[expect(clippy::disallowed_methods, reason = "the test's own client")]
    pub async fn git(&self, args: &[&str]) -> Output {
        tokio::process::Command::new("git")
            .args(args)
            .current_dir(&self.dir)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.dir.parent().unwrap())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_AUTHOR_NAME", "Mary Major")
            .env("GIT_AUTHOR_EMAIL", "mary@example.com")
            .env("GIT_COMMITTER_NAME", "Mary Major")
            .env("GIT_COMMITTER_EMAIL", "mary@example.com")
            .output()
            .await
            .unwrap()
    }

    /// Runs git, which must succeed; returns its standard output.
    pub async fn ok(&self, args: &[&str]) -> String {
        let out = self.git(args).await;
        let (stdout, stderr) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
        assert!(out.status.success(), "git {args:?}: {stdout}{stderr}");
        stdout.trim_end().to_owned()
    }

    /// Runs git, which must fail; returns its standard error.
    pub async fn fails(&self, args: &[&str]) -> String {
        let out = self.git(args).await;
        assert!(!out.status.success(), "git {args:?} should have failed");
        String::from_utf8_lossy(&out.stderr).into_owned()
    }

    /// Writes a file and commits it; returns the commit.
    pub async fn commit(&self, path: &str, content: &str) -> ObjectId {
        let at = self.dir.join(path);
        std::fs::create_dir_all(at.parent().unwrap_or(Path::new("."))).unwrap();
        std::fs::write(at, content).unwrap();
        self.ok(&["add", "-A"]).await;
        self.ok(&["commit", "-q", "-m", &format!("change {path}")]).await;
        self.head().await
    }

    pub async fn head(&self) -> ObjectId {
        ObjectId::parse(&self.ok(&["rev-parse", "HEAD"]).await).unwrap()
    }
}
