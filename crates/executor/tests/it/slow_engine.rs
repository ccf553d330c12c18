//! An engine that takes its time, and makes the folders that a container mounts, as Podman does when they are missing.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use base::JobOutcome;
use executor::{ContainerExecutor, Executor as _, LateEngine};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::engine::config;
use crate::rig::{Rig, base_dir, follow, processes, spec, supervisor};

/// How far a request for a container is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Create {
    #[default]
    Awaited,
    Came,
    MayGoOn,
    Answered,
}

#[derive(Default)]
struct SlowEngine {
    create: Mutex<Create>,
    changed: Condvar,
}

impl SlowEngine {
    fn start(socket: PathBuf) -> Arc<SlowEngine> {
        let engine = Arc::new(SlowEngine::default());
        let (listener, served) = (UnixListener::bind(socket).unwrap(), engine.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let engine = served.clone();
                std::thread::spawn(move || engine.serve(&stream));
            }
        });
        engine
    }

    fn set(&self, create: Create) {
        *self.create.lock().unwrap() = create;
        self.changed.notify_all();
    }

    fn wait_for(&self, create: Create) {
        let limit = Duration::from_secs(60);
        let waited = self.changed.wait_timeout_while(self.create.lock().unwrap(), limit, |now| *now < create);
        assert!(!waited.unwrap().1.timed_out(), "{create:?}");
    }

    fn serve(&self, stream: &UnixStream) {
        let mut reader = BufReader::new(stream);
        loop {
            let (mut first, mut length) = (String::new(), 0);
            if reader.read_line(&mut first).unwrap_or(0) == 0 {
                return;
            }
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                let line = line.trim().to_ascii_lowercase();
                if line.is_empty() {
                    break;
                }
                if let Some(value) = line.strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let (status, answer) = self.answer(&first, &body);
            let text = answer.to_string();
            let head =
                format!("HTTP/1.1 {status} S\r\ncontent-type: application/json\r\ncontent-length: {}\r\n", text.len());
            // Who asked may be gone.
            let _ = (&mut &*stream).write_all(format!("{head}\r\n{text}").as_bytes());
        }
    }

    fn answer(&self, first: &str, body: &[u8]) -> (u16, Value) {
        let path = first.split([' ', '?']).nth(1).unwrap_or_default();
        if path.ends_with("/version") {
            let component = json!({ "Name": "Podman Engine", "Version": "4.3.1" });
            return (200, json!({ "Version": "4.3.1", "ApiVersion": "1.41", "Components": [component] }));
        }
        if path.ends_with("/containers/create") {
            self.set(Create::Came);
            self.wait_for(Create::MayGoOn);
            let body: Value = serde_json::from_slice(body).unwrap();
            for mount in body["HostConfig"]["Mounts"].as_array().unwrap() {
                std::fs::create_dir_all(mount["Source"].as_str().unwrap()).unwrap();
            }
            self.set(Create::Answered);
            return (500, json!({ "message": "killed in the middle of it" }));
        }
        match path {
            _ if path.ends_with("/info") => (200, json!({})),
            _ if path.ends_with("/containers/json") => (200, json!([])),
            _ if path.contains("/images/") => (200, json!({ "Id": "sha256:1" })),
            _ => (404, json!({ "message": "no such container" })),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_of_a_job_whose_container_is_still_being_made_when_it_is_removed() {
    let dir = tempfile::Builder::new().prefix("slow-").tempdir_in(base_dir()).unwrap();
    let socket = dir.path().join("s");
    let engine = SlowEngine::start(socket.clone());
    let executor = ContainerExecutor::probe(config(&dir, socket)).await.unwrap();
    let work_dir = dir.path().join("work/lost");
    std::fs::create_dir_all(&work_dir).unwrap();
    let job = spec("lost", &work_dir, &["echo never"]);
    executor.start(&job).await.unwrap();
    engine.wait_for(Create::Came);
    let mark = executor.jobs_dir().join("lost").display().to_string();
    let supervisor = supervisor(&processes(&mark));
    kill_process(Pid::from_raw(supervisor).unwrap(), Signal::KILL).unwrap();
    assert!(matches!(follow(&executor, "lost").await.outcome, JobOutcome::Lost { .. }));
    let removing = executor.clone();
    let mut removed = tokio::spawn(async move { removing.destroy("lost").await });
    let early = tokio::time::timeout(Duration::from_millis(200), &mut removed).await;
    executor::remove_tree(&work_dir).unwrap();
    engine.set(Create::MayGoOn);
    engine.wait_for(Create::Answered);
    assert!(early.is_err(), "its removal did not wait for who is at work for it");
    removed.await.unwrap().unwrap();
    assert_eq!(processes(&mark), Vec::<i32>::new());
    assert_eq!(executor.remains().await.unwrap(), Vec::<String>::new());
    assert_eq!(std::fs::read_dir(executor.jobs_dir()).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_could_not_be_removed_is_removed_when_its_engine_answers_again() {
    let dir = tempfile::Builder::new().prefix("slow-").tempdir_in(base_dir()).unwrap();
    let socket = dir.path().join("s");
    SlowEngine::start(socket.clone());
    let executor = ContainerExecutor::probe(config(&dir, socket.clone())).await.unwrap();
    let folder = executor.jobs_dir().join("ended");
    std::fs::create_dir_all(&folder).unwrap();
    let note = json!({ "socket": socket, "name": "headworks-ended" });
    std::fs::write(folder.join("container.json"), note.to_string()).unwrap();
    let away = dir.path().join("away");
    std::fs::rename(&socket, &away).unwrap();
    executor.destroy("ended").await.unwrap();
    executor.tidy().await;
    assert_eq!(std::fs::read_dir(executor.jobs_dir()).unwrap().count(), 1, "what is still to be done is noted");
    std::fs::rename(&away, &socket).unwrap();
    executor.tidy().await;
    assert_eq!(std::fs::read_dir(executor.jobs_dir()).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_run_on_the_host_until_an_engine_answers_and_then_in_containers() {
    let Some(rig) = Rig::new().await else { return };
    let socket = rig.dir.path().join("s");
    let late = LateEngine::or_host(config(&rig.dir, socket.clone()), rig.host.clone());
    let first = rig.spec("first", &["echo here"]);
    let told = late.prepare(&first, &|_| {}).await.unwrap();
    assert!(told[0].contains("this machine's own tools"), "{told:?}");
    SlowEngine::start(socket);
    late.start(&first).await.unwrap();
    assert_eq!(follow(&late, "first").await.text, "here\n", "what it was told holds");
    // The last look was in vain, and holds for a moment.
    let second = rig.spec("second", &["echo here"]);
    let mut told = Vec::new();
    let limit = Instant::now() + Duration::from_secs(60);
    while Instant::now() < limit {
        told = late.prepare(&second, &|_| {}).await.unwrap();
        late.destroy("second").await.unwrap();
        if told[0].contains("in a container") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(told[0].contains("in a container of the image"), "{told:?}");
    assert!(late.describe().contains("Podman 4.3.1"), "{}", late.describe());
    late.destroy("first").await.unwrap();
    assert_eq!(std::fs::read_dir(rig.host.jobs_dir()).unwrap().count(), 0);
}
