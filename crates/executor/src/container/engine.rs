//! The calls to an engine's API that are needed here. Each has a time limit: an engine that hangs must not hang a build.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bollard::auth::DockerCredentials;
use bollard::errors::Error as ApiError;
use bollard::models::{ContainerCreateBody, ContainerState, CreateImageInfo};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, CreateImageOptionsBuilder, KillContainerOptionsBuilder, LogsOptionsBuilder,
    RemoveContainerOptionsBuilder,
};
use bollard::{ClientVersion, Docker};
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _};

/// The API's versions that are asked for: Docker 20.10 to 28 and Podman know the first, Docker from 25 on the second.
/// Nothing newer is needed.
const VERSIONS: [ClientVersion; 2] =
    [ClientVersion { major_version: 1, minor_version: 41 }, ClientVersion { major_version: 1, minor_version: 44 }];
/// What bollard waits for the head of an answer.
const ANSWER_SECONDS: u64 = 300;
/// A question about something.
const ASK_LIMIT: Duration = Duration::from_secs(20);
/// Making and starting containers on a busy disk.
const DO_LIMIT: Duration = Duration::from_secs(180);
/// An engine that restarts is waited for so long.
pub(super) const RESTART_LIMIT: Duration = Duration::from_secs(10);
pub(super) const RESTART_PAUSE: Duration = Duration::from_millis(200);

/// How long a container may be in a state that the API does not know.
const SETTLE_LIMIT: Duration = Duration::from_secs(10);
const SETTLE_PAUSE: Duration = Duration::from_millis(20);

/// What the engine could not do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EngineError {
    /// Nobody answers on the socket, or too late.
    #[error("the container engine at {socket} does not answer: {reason}")]
    Gone { socket: String, reason: String },
    /// It answered with a refusal, or (status 0) with something that is not understood.
    #[error("the container engine cannot {doing}: {reason}")]
    Refused { doing: String, status: u16, reason: String },
}

impl EngineError {
    pub fn is_not_found(&self) -> bool {
        matches!(self, EngineError::Refused { status: 404, .. })
    }

    fn is_conflict(&self) -> bool {
        matches!(self, EngineError::Refused { status: 409, .. })
    }
}

/// A connection to an engine. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Engine {
    docker: Docker,
    socket: PathBuf,
}

/// What kind of engine it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    /// `Docker 27.1`, `Podman 4.3.1`.
    pub name: String,
    pub is_podman: bool,
    /// Root in a container is the user who runs the engine.
    pub is_rootless: bool,
    /// Root in a container is some user without rights, unless a container asks for the host's users.
    pub remaps_users: bool,
}

impl Engine {
    /// Connects, which includes hearing an answer.
    pub async fn connect(socket: &Path) -> Result<Engine, EngineError> {
        let gone = |reason: String| EngineError::Gone { socket: socket.display().to_string(), reason };
        let path = socket.to_str().ok_or_else(|| gone("its path is not text".into()))?;
        let mut reason = String::new();
        for version in &VERSIONS {
            let docker = Docker::connect_with_unix(path, ANSWER_SECONDS, version).map_err(|e| gone(e.to_string()))?;
            match tokio::time::timeout(ASK_LIMIT, docker.version()).await {
                Ok(Ok(_)) => return Ok(Engine { docker, socket: socket.to_owned() }),
                Ok(Err(error)) => reason = error.to_string(),
                Err(_) => return Err(gone(format!("no answer in {} s", ASK_LIMIT.as_secs()))),
            }
        }
        Err(gone(reason))
    }

    /// The same for an engine that may just be restarting.
    pub async fn connect_patiently(socket: &Path) -> Result<Engine, EngineError> {
        let until = Instant::now() + RESTART_LIMIT;
        loop {
            match Engine::connect(socket).await {
                Err(_) if Instant::now() < until => tokio::time::sleep(RESTART_PAUSE).await,
                other => return other,
            }
        }
    }

    /// An engine that may just be restarting, and the image's id if it has it.
    pub async fn with_image(socket: &Path, image: &str) -> Result<(Engine, Option<String>), EngineError> {
        let until = Instant::now() + RESTART_LIMIT;
        loop {
            let engine = Engine::connect_patiently(socket).await?;
            match engine.image_id(image).await {
                Ok(found) => return Ok((engine, found)),
                Err(EngineError::Gone { .. }) if Instant::now() < until => tokio::time::sleep(RESTART_PAUSE).await,
                Err(error) => return Err(error),
            }
        }
    }

    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// For what is asked for in one place alone.
    pub(super) fn docker(&self) -> &Docker {
        &self.docker
    }

    pub async fn facts(&self) -> Result<Facts, EngineError> {
        let version = self.ask("tell its version", self.docker.version()).await?;
        let info = self.ask("describe itself", self.docker.info()).await?;
        let is_podman = version.components.iter().flatten().any(|part| part.name.contains("Podman"));
        let options = info.security_options.unwrap_or_default();
        let has = |name: &str| options.iter().any(|o| o.split(',').any(|part| part == format!("name={name}")));
        Ok(Facts {
            name: format!(
                "{} {}",
                if is_podman { "Podman" } else { "Docker" },
                version.version.as_deref().unwrap_or("of an unknown version")
            ),
            is_podman,
            is_rootless: has("rootless"),
            remaps_users: has("userns"),
        })
    }

    /// What the engine takes a name for, if it has such an image: its id, the same under whatever name.
    pub async fn image_id(&self, image: &str) -> Result<Option<String>, EngineError> {
        let doing = format!("look for the image {image}");
        match self.ask(&doing, self.docker.inspect_image(image)).await {
            Ok(found) => match found.id.filter(|id| !id.is_empty()) {
                Some(id) => Ok(Some(id)),
                None => {
                    let reason = "it does not tell the image's id".to_owned();
                    Err(EngineError::Refused { doing, status: 0, reason })
                }
            },
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Begins to pull; what the engine says of it comes as it happens.
    pub fn pull(
        &self,
        image: &str,
        login: Option<DockerCredentials>,
    ) -> BoxStream<'static, Result<CreateImageInfo, EngineError>> {
        let (docker, socket, image) = (self.docker.clone(), self.socket.clone(), image.to_owned());
        async_stream(docker, image, login).map_err(move |error| refused(&socket, "pull", error)).boxed()
    }

    /// Makes a container; one of the same name is what an earlier life of the job has left, and goes.
    pub async fn create(&self, name: &str, body: ContainerCreateBody) -> Result<(), EngineError> {
        let doing = format!("make the container {name}");
        let create = |body| {
            let options = CreateContainerOptionsBuilder::default().name(name).build();
            self.act(&doing, self.docker.create_container(Some(options), body))
        };
        match create(body.clone()).await {
            Err(error) if error.is_conflict() => {
                self.remove(name).await?;
                create(body).await.map(drop)
            }
            other => other.map(drop),
        }
    }

    pub async fn start(&self, name: &str) -> Result<(), EngineError> {
        self.act(&format!("start the container {name}"), self.docker.start_container(name, None)).await
    }

    pub async fn state(&self, name: &str) -> Result<ContainerState, EngineError> {
        let doing = format!("look at the container {name}");
        let until = tokio::time::Instant::now() + SETTLE_LIMIT;
        loop {
            match self.ask(&doing, self.docker.inspect_container(name, None)).await {
                // For a moment after its end a container of Podman's is `stopped`, which Docker's API does not know.
                Err(EngineError::Refused { status: 0, .. }) if tokio::time::Instant::now() < until => {
                    tokio::time::sleep(SETTLE_PAUSE).await;
                }
                other => return Ok(other?.state.unwrap_or_default()),
            }
        }
    }

    /// What the container's first process has printed to the engine: nothing, unless it could not begin.
    pub async fn last_words(&self, name: &str) -> String {
        let options = LogsOptionsBuilder::default().stdout(true).stderr(true).tail("5").build();
        let words = self.docker.logs(name, Some(options)).take(20).filter_map(|line| async { line.ok() });
        let words = words.map(|line| line.to_string()).collect::<Vec<_>>();
        tokio::time::timeout(ASK_LIMIT, words).await.unwrap_or_default().concat().trim().to_owned()
    }

    pub async fn kill(&self, name: &str) -> Result<(), EngineError> {
        let options = KillContainerOptionsBuilder::default().signal("KILL").build();
        match self.ask(&format!("kill the container {name}"), self.docker.kill_container(name, Some(options))).await {
            // It has ended already.
            Err(error) if error.is_conflict() || error.is_not_found() => Ok(()),
            other => other,
        }
    }

    /// Kills and removes a container with its anonymous volumes. One that is not there is fine.
    pub async fn remove(&self, name: &str) -> Result<(), EngineError> {
        let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
        let doing = format!("remove the container {name}");
        match self.act(&doing, self.docker.remove_container(name, Some(options))).await {
            // Somebody else is removing it.
            Err(error) if error.is_not_found() || error.is_conflict() => Ok(()),
            other => other,
        }
    }

    /// Names of the containers that carry a label.
    pub async fn labelled(&self, label: &str) -> Result<Vec<String>, EngineError> {
        let filters = HashMap::from([("label".to_owned(), vec![label.to_owned()])]);
        let options = bollard::query_parameters::ListContainersOptionsBuilder::default().all(true).filters(&filters);
        let list = self.ask("list containers", self.docker.list_containers(Some(options.build()))).await?;
        let names = list.into_iter().filter_map(|c| c.names?.into_iter().next());
        Ok(names.map(|name| name.trim_start_matches('/').to_owned()).collect())
    }

    async fn ask<T>(&self, doing: &str, call: impl Future<Output = Result<T, ApiError>>) -> Result<T, EngineError> {
        self.limited(ASK_LIMIT, doing, call).await
    }

    async fn act<T>(&self, doing: &str, call: impl Future<Output = Result<T, ApiError>>) -> Result<T, EngineError> {
        self.limited(DO_LIMIT, doing, call).await
    }

    async fn limited<T>(
        &self,
        limit: Duration,
        doing: &str,
        call: impl Future<Output = Result<T, ApiError>>,
    ) -> Result<T, EngineError> {
        match tokio::time::timeout(limit, call).await {
            Ok(result) => result.map_err(|error| refused(&self.socket, doing, error)),
            Err(_) => Err(EngineError::Gone {
                socket: self.socket.display().to_string(),
                reason: format!("it did not {doing} in {} s", limit.as_secs()),
            }),
        }
    }
}

/// Owns what the stream of a pull borrows.
fn async_stream(
    docker: Docker,
    image: String,
    login: Option<DockerCredentials>,
) -> impl futures_util::Stream<Item = Result<CreateImageInfo, ApiError>> + Send + 'static {
    let options = CreateImageOptionsBuilder::default().from_image(&image).build();
    docker.create_image(Some(options), None, login).boxed()
}

fn refused(socket: &Path, doing: &str, error: ApiError) -> EngineError {
    match error {
        ApiError::DockerResponseServerError { status_code, message } => {
            EngineError::Refused { doing: doing.to_owned(), status: status_code, reason: message.trim().to_owned() }
        }
        ApiError::DockerStreamError { error } => {
            EngineError::Refused { doing: doing.to_owned(), status: 500, reason: error.trim().to_owned() }
        }
        ApiError::JsonDataError { message, .. } => {
            EngineError::Refused { doing: doing.to_owned(), status: 0, reason: message }
        }
        other => EngineError::Gone { socket: socket.display().to_string(), reason: innermost(&other) },
    }
}

/// The outer errors of an HTTP client say little more than that there was one.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

impl From<EngineError> for io::Error {
    fn from(error: EngineError) -> Self {
        io::Error::other(error.to_string())
    }
}
