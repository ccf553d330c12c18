//! Images of registries that want to know who asks.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use base::{JobSpec, RegistryLogin, Secret};
use base64::Engine as _;
use executor::{Executor as _, ExecutorError};

use crate::engine::{ContainerRig, IMAGE, podman};

const USER: &str = "puller";
const PASSWORD: &str = "pa55-word-of-the-registry";

/// A registry of one image, over HTTP, with the files that `podman push dir:` makes.
struct Registry {
    image: String,
    /// Requests that were let in.
    served: Arc<Mutex<usize>>,
    _files: tempfile::TempDir,
}

impl Registry {
    fn start() -> Registry {
        let files = tempfile::tempdir().unwrap();
        podman(&["push", "--quiet", "--format", "v2s2", IMAGE, &format!("dir:{}", files.path().display())]);
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let image = format!("{}/team/private:1", listener.local_addr().unwrap());
        let served = Arc::new(Mutex::new(0));
        let (dir, count) = (files.path().to_owned(), served.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (dir, count) = (dir.clone(), count.clone());
                std::thread::spawn(move || serve(&stream, &dir, &count));
            }
        });
        Registry { image, served, _files: files }
    }

    fn served(&self) -> usize {
        *self.served.lock().unwrap()
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        podman(&["rmi", "--force", "--ignore", &self.image]);
    }
}

fn serve(stream: &TcpStream, dir: &Path, count: &Mutex<usize>) {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut first, mut login) = (String::new(), String::new());
        if reader.read_line(&mut first).unwrap_or(0) == 0 {
            return;
        }
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 || line.trim().is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("authorization")
            {
                value.trim().clone_into(&mut login);
            }
        }
        let wanted = base64::engine::general_purpose::STANDARD.encode(format!("{USER}:{PASSWORD}"));
        let path = first.split(' ').nth(1).unwrap_or_default();
        let (status, kind, body) = if login != format!("Basic {wanted}") {
            ("401 Unauthorized", "application/json", br#"{"errors":[{"code":"UNAUTHORIZED"}]}"#.to_vec())
        } else {
            *count.lock().unwrap() += 1;
            match file(path, dir) {
                Some((kind, file)) => ("200 OK", kind, std::fs::read(file).unwrap()),
                None => ("404 Not Found", "application/json", b"{}".to_vec()),
            }
        };
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\
             Docker-Distribution-Api-Version: registry/2.0\r\nWWW-Authenticate: Basic realm=\"test\"\r\n\r\n",
            body.len()
        );
        let mut stream = stream;
        if stream.write_all(head.as_bytes()).is_err()
            || (!first.starts_with("HEAD ") && stream.write_all(&body).is_err())
        {
            return;
        }
    }
}

fn file(path: &str, dir: &Path) -> Option<(&'static str, PathBuf)> {
    match path.strip_prefix("/v2/")? {
        "" => Some(("application/json", dir.join("version"))),
        "team/private/manifests/1" => {
            Some(("application/vnd.docker.distribution.manifest.v2+json", dir.join("manifest.json")))
        }
        rest => {
            let digest = rest.strip_prefix("team/private/blobs/sha256:")?;
            Some(("application/octet-stream", dir.join(digest)))
        }
    }
}

fn login(password: &str) -> RegistryLogin {
    RegistryLogin { username: USER.into(), password: Secret::new(password.into()), server: None }
}

async fn refusal(rig: &ContainerRig, job: &JobSpec) -> String {
    match rig.executor.prepare(job, &|_| {}).await {
        Err(ExecutorError::Unfit { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_private_image_is_for_those_whom_its_registry_lets_in() {
    let Some(rig) = ContainerRig::new().await else { return };
    let registry = Registry::start();
    let mut job = rig.spec("nobody", &["echo in the private image"]);
    job.container.image = registry.image.clone();
    let reason = refusal(&rig, &job).await;
    assert!(
        reason.starts_with("Unable to pull the container image ") && !reason.contains("registryCredential"),
        "{reason}"
    );

    job.container.registry = Some(login("wr0ng-password"));
    let reason = refusal(&rig, &job).await;
    assert!(reason.contains("(as user puller of the project's registryCredential)"), "{reason}");
    assert!(!reason.contains("wr0ng-password"), "{reason}");
    assert_eq!(registry.served(), 0);

    // A password that was mended counts at once, though the pull has just failed.
    job.id = "puller".into();
    job.container.registry = Some(login(PASSWORD));
    rig.executor.prepare(&job, &|_| {}).await.unwrap();
    let served = registry.served();
    assert!(served > 0);
    let seen = rig.run(&job).await;
    assert_eq!(seen.lines(), ["in the private image"], "{seen:?}");
    assert_eq!(registry.served(), served, "what was let in a moment ago is not asked again");
    let kept = std::fs::read_to_string(rig.dir.path().join("private-images")).unwrap();
    let id = podman(&["inspect", "--format", "{{.Id}}", &registry.image]);
    assert_eq!(kept.trim(), id.trim());

    // The engine has it now; whoever cannot log in still may not use it.
    let mut stranger = rig.spec("stranger", &["echo never"]);
    stranger.container.image = registry.image.clone();
    refusal(&rig, &stranger).await;
    for other in [id.trim(), &id.trim()[..12]] {
        stranger.container.image = other.to_owned();
        refusal(&rig, &stranger).await;
    }
    stranger.container.image = registry.image.clone();
    stranger.container.registry = Some(login("wr0ng-password"));
    refusal(&rig, &stranger).await;
}

#[tokio::test]
async fn credentials_for_a_registry_are_in_no_file_of_the_job() {
    let Some(rig) = ContainerRig::new().await else { return };
    let mut job = rig.spec("secretive", &["echo up; read word <go"]);
    job.steps[0].commands.insert(0, "mkfifo go".into());
    job.container.registry = Some(login(PASSWORD));
    // The public one of the tests: no registry is there to ask.
    assert!(refusal(&rig, &job).await.contains("Unable to pull"));
    let registry = Registry::start();
    job.container.image = registry.image.clone();
    rig.executor.start(&job).await.unwrap();
    crate::rig::until(&rig.executor, &job.id, "up").await;
    let mut left = vec![rig.dir.path().to_owned()];
    while let Some(path) = left.pop() {
        if path.is_dir() {
            // What goes meanwhile says nothing any more.
            left.extend(std::fs::read_dir(&path).into_iter().flatten().flatten().map(|entry| entry.path()));
        } else if path.is_file() {
            let text = match std::fs::read(&path) {
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
                read => read.unwrap(),
            };
            assert!(!String::from_utf8_lossy(&text).contains(PASSWORD), "{}", path.display());
        }
    }
    rig.executor.destroy(&job.id).await.unwrap();
}
