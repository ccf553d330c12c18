//! Container engines of jobs' own.

use std::path::Path;

use base::{JobLayers, JobMount, JobOutcome, JobSpec};
use executor::{Executor as _, ExecutorError};
use rustix::process::{Pid, Signal, kill_process};

use crate::engine::{ContainerRig, IMAGE, podman, socket};
use crate::rig::{Rig, Seen, follow, group_name, processes, supervisor, unique_sleep, until, until_none};

const DOCKER: &str = "/usr/local/bin/docker";

/// What is needed beside an executor: root, programs, and an image to begin with. Says what is missing.
fn is_possible() -> bool {
    let missing = if !rustix::process::geteuid().is_root() {
        "root's rights"
    } else if !Path::new("/usr/bin/podman").exists() {
        "podman"
    } else if !Path::new(DOCKER).exists() {
        "docker's command at /usr/local/bin"
    } else {
        return socket().is_some();
    };
    eprintln!("SKIPPED: this needs {missing}");
    false
}

/// Puts an image into the job's folder: no registry is asked.
fn with_image(mut job: JobSpec) -> JobSpec {
    job.container.privileged = true;
    job.timeout_seconds = 120;
    job.announce = true;
    podman(&["save", "--quiet", "--output", &job.work_dir.join("base.tar").display().to_string(), IMAGE]);
    let file = format!("FROM {IMAGE}\nRUN echo built >/built\nCMD [\"cat\", \"/built\"]\n");
    std::fs::write(job.work_dir.join("Dockerfile"), file).unwrap();
    std::fs::write(job.work_dir.join("message"), "from the working copy\n").unwrap();
    job
}

const BUILD: [&str; 5] = [
    "echo \"the engine is at $DOCKER_HOST\"",
    "docker load -q -i base.tar",
    "docker build -q -t mine . 2>&1",
    "echo \"run: $(docker run --rm mine) $(docker run --rm -v \"$PWD:/src\" mine cat /src/message)\"",
    "echo \"containers: $(docker ps -aq | wc -l)\"",
];

fn container_job(rig: &ContainerRig, id: &str, commands: &[&str]) -> JobSpec {
    let mut job = with_image(rig.spec(id, commands));
    job.container.mounts = vec![JobMount { source: DOCKER.into(), target: "/bin/docker".into(), read_only: true }];
    job
}

/// What a job with an engine leaves on the machine besides its folder.
fn left(jobs_dir: &Path) -> Vec<String> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    let jobs = jobs_dir.display().to_string();
    let mut left: Vec<String> = mounts.lines().filter(|line| line.contains(&jobs)).map(str::to_owned).collect();
    left.extend(processes(&jobs).iter().map(|pid| format!("process {pid}")));
    left
}

#[tokio::test]
async fn a_job_in_the_sandbox_builds_and_runs_images_with_an_engine_of_its_own() {
    if !is_possible() {
        return;
    }
    let Some(rig) = Rig::with(|config| config.allow_privileged = true).await else { return };
    let job = with_image(rig.spec("docker", &BUILD));
    let notes = rig.host.prepare(&job, &|_| {}).await.unwrap();
    assert!(notes.iter().any(|note| note.contains("a container engine of its own")), "{notes:?}");
    rig.host.start(&job).await.unwrap();
    let seen = follow(&rig.host, &job.id).await;
    assert!(seen.succeeded(), "{}", seen.text);
    assert!(seen.text.contains("the engine is at unix:///run/headworks/docker.sock\n"), "{}", seen.text);
    assert!(seen.text.contains("\nrun: built from the working copy\n"), "{}", seen.text);
    assert!(seen.text.contains("\ncontainers: 0\n"), "{}", seen.text);
    assert!(!podman(&["images", "--format", "{{.Repository}}"]).contains("mine"), "it is not the machine's engine");
    // The shim removes it behind the outcome, whether or not there is a server to do it.
    let storage = rig.host.jobs_dir().join(&job.id).join("engine");
    let limit = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while storage.exists() {
        assert!(std::time::Instant::now() < limit, "the storage goes with the job's end");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    rig.host.destroy(&job.id).await.unwrap();
    assert_eq!(left(&rig.host.jobs_dir()), Vec::<String>::new());
}

#[tokio::test]
async fn a_job_in_a_container_builds_and_runs_images_with_an_engine_beside_it() {
    if !is_possible() {
        return;
    }
    let Some(rig) = ContainerRig::with(|config| config.allow_privileged = true).await else { return };
    let job = container_job(&rig, "docker", &BUILD);
    let notes = rig.executor.prepare(&job, &|_| {}).await.unwrap();
    assert!(notes.iter().any(|note| note.contains("a container engine of its own")), "{notes:?}");
    rig.executor.start(&job).await.unwrap();
    let seen = follow(&rig.executor, &job.id).await;
    assert!(seen.succeeded(), "{}", seen.text);
    assert!(seen.text.contains("\nrun: built from the working copy\n"), "{}", seen.text);
    assert!(!podman(&["images", "--format", "{{.Repository}}"]).contains("mine"), "it is not the machine's engine");
    rig.executor.destroy(&job.id).await.unwrap();
    assert_eq!(left(&rig.executor.jobs_dir()), Vec::<String>::new());
}

#[tokio::test]
async fn without_an_engine_a_docker_command_says_which_switch_is_missing() {
    let project = "privilegedMode is not set in the project's environment";
    let operator = "executor.allow_privileged is not set in the server's settings";
    for (asked, allowed, expected) in [
        (false, true, project.to_owned()),
        (true, false, operator.to_owned()),
        (false, false, format!("{project}, and {operator}")),
    ] {
        let Some(rig) = Rig::with(|config| config.allow_privileged = allowed).await else { return };
        for (id, command) in [("command", "docker ps"), ("script", "sh ./build.sh")] {
            let mut job = rig.spec(id, &[command]);
            std::fs::write(job.work_dir.join("build.sh"), "docker ps\n").unwrap();
            job.container.privileged = asked;
            job.announce = true;
            let seen = rig.run(&job).await;
            assert!(!seen.succeeded(), "{seen:?}");
            let line = format!(" There is no container engine in this build: {expected}\n");
            assert!(seen.text.contains(&line), "{}", seen.text);
        }
        let mut job = rig.spec("other", &["false"]);
        job.announce = true;
        assert!(!rig.run(&job).await.text.contains("container engine"));
    }
}

#[tokio::test]
async fn in_a_container_too_the_missing_switch_is_named() {
    let Some(rig) = ContainerRig::new().await else { return };
    let mut job = rig.spec("switch", &["docker ps"]);
    job.announce = true;
    let seen = rig.run(&job).await;
    assert!(
        seen.text.contains(" There is no container engine in this build: privilegedMode is not set"),
        "{}",
        seen.text
    );
}

/// Runs a container for ever, kills processes, and looks what is left.
async fn killed(executor: &dyn executor::Executor, jobs_dir: &Path, mut job: JobSpec, mark: &str) {
    job.steps[0].commands = vec![
        "docker load -q -i base.tar".into(),
        format!("docker run -d {IMAGE} sleep {mark}"),
        format!("docker run --privileged -d {IMAGE} sleep {mark}"),
        "echo up $(docker ps -q | wc -l); sleep 1000".into(),
    ];
    executor.start(&job).await.unwrap();
    until(executor, &job.id, "up 2").await;
    assert!(processes(mark).len() >= 2);
    let shim = jobs_dir.join(&job.id).display().to_string();
    let supervisor = supervisor(&processes(&shim));
    kill_process(Pid::from_raw(supervisor).unwrap(), Signal::KILL).unwrap();
    let seen = follow(executor, &job.id).await;
    assert!(matches!(seen.outcome, JobOutcome::Lost { .. }), "{seen:?}");
    until_none(mark).await;
    executor.destroy(&job.id).await.unwrap();
    assert!(!jobs_dir.join(&job.id).exists());
    assert_eq!(left(jobs_dir), Vec::<String>::new());
    let groups = std::fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten();
    for group in groups.map(|entry| entry.path().join("headworks-jobs").join(group_name(jobs_dir, &job.id))) {
        assert!(!group.exists(), "{}", group.display());
    }
}

#[tokio::test]
async fn nothing_of_an_engine_is_left_when_the_shim_of_its_sandbox_is_killed() {
    if !is_possible() {
        return;
    }
    let Some(rig) = Rig::with(|config| config.allow_privileged = true).await else { return };
    let mark = unique_sleep();
    let job = with_image(rig.spec("killed-in-the-sandbox", &[]));
    killed(&rig.host, &rig.host.jobs_dir(), job, &mark).await;
}

#[tokio::test]
async fn nothing_of_an_engine_beside_a_container_is_left_when_the_shim_is_killed() {
    if !is_possible() {
        return;
    }
    let Some(rig) = ContainerRig::with(|config| config.allow_privileged = true).await else { return };
    let mark = unique_sleep();
    let job = container_job(&rig, "killed-in-a-container", &[]);
    killed(&rig.executor, &rig.executor.jobs_dir(), job, &mark).await;
    assert_eq!(rig.containers().await, Vec::<String>::new());
}

/// The machine's interfaces, routes and firewall rules; counters and caches left out.
fn network_of_the_machine() -> String {
    let read = |program: &str, arguments: &[&str]| {
        #[expect(clippy::disallowed_methods, reason = "the test looks at the machine's network")]
        let output = std::process::Command::new(program).args(arguments).output().unwrap();
        assert!(output.status.success(), "{program} {arguments:?}: {output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    [
        read("ip", &["-o", "link", "show"]),
        read("ip", &["route", "show", "table", "all"]),
        // One lock for all rules of the machine, also of namespaces: other tests hold it for a moment.
        read("iptables", &["-w", "60", "-t", "nat", "-S"]),
        read("iptables", &["-w", "60", "-S"]),
    ]
    .concat()
}

/// The test image's `wget` needs a C library that the image has not.
const NETWORK: [&str; 7] = [
    "docker load -q -i base.tar",
    "docker run -d -p 8089:8081 IMAGE sh -c 'while true; do echo hello | busybox nc -l -p 8081; done'",
    "get() { printf 'GET / HTTP/1.0\\r\\n\\r\\n' | busybox nc -w 5 $1 $2 | tail -n 1; }",
    "for i in $(seq 50); do said=$(get 127.0.0.1 8089); [ \"$said\" ] && break; sleep 0.1; done; echo \"published: $said\"",
    "echo \"outside: $(get 127.0.0.1 $TOLD) from a container: \
     $(docker run --rm IMAGE sh -c \"echo GET | busybox nc -w 5 $ELSEWHERE | tail -n 1\")\"",
    "[ -z \"$(get 127.0.0.1 $UNTOLD 2>/dev/null)\" ] && echo \"the machine's loopback is closed\"",
    "docker run --rm --privileged IMAGE grep CapEff /proc/self/status",
];

/// Answers every connection with a word.
pub fn answering(address: &str, word: &'static str) -> u16 {
    let listener = std::net::TcpListener::bind((address, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut buffer = [0; 1024];
            let _ = std::io::Read::read(&mut stream, &mut buffer);
            let text = format!("HTTP/1.0 200 OK\r\n\r\n{word}");
            let _ = std::io::Write::write_all(&mut stream, text.as_bytes());
        }
    });
    port
}

/// An address of this machine that is not loopback.
fn outer_address() -> Option<String> {
    let socket = std::net::UdpSocket::bind(("0.0.0.0", 0)).ok()?;
    socket.connect(("192.0.2.1", 9)).ok()?;
    Some(socket.local_addr().ok()?.ip().to_string()).filter(|address| !address.starts_with("127."))
}

async fn network(executor: &dyn executor::Executor, mut job: JobSpec) {
    let before = network_of_the_machine();
    job.steps[0].commands = NETWORK.iter().map(|command| command.replace("IMAGE", IMAGE)).collect();
    let told = answering("127.0.0.1", "told");
    let untold = answering("127.0.0.1", "untold");
    job.loopback = vec![format!("127.0.0.1:{told}").parse().unwrap()];
    job.env.insert("TOLD".into(), told.to_string());
    let outer = outer_address();
    let elsewhere = outer.as_ref().map(|address| answering(address, "elsewhere"));
    let outer = outer.unwrap_or_else(|| "192.0.2.1".into());
    job.env.insert("ELSEWHERE".into(), format!("{outer} {}", elsewhere.unwrap_or(9)));
    job.env.insert("UNTOLD".into(), untold.to_string());
    job.env.insert("URL".into(), format!("http://127.0.0.1:{untold}/"));
    executor.start(&job).await.unwrap();
    until(executor, &job.id, "CapEff").await;
    let seen = follow(executor, &job.id).await;
    executor.destroy(&job.id).await.unwrap();
    assert!(seen.succeeded(), "{}", seen.text);
    assert!(seen.text.contains("\npublished: hello\n"), "{}", seen.text);
    let elsewhere = if elsewhere.is_some() { "elsewhere" } else { "" };
    assert!(seen.text.contains(&format!("\noutside: told from a container: {elsewhere}\n")), "{}", seen.text);
    assert!(seen.text.contains("\nthe machine's loopback is closed\n"), "{}", seen.text);
    let line = seen.lines().into_iter().find(|line| line.starts_with("CapEff")).unwrap_or_default().to_owned();
    let bits = u64::from_str_radix(line.split_whitespace().last().unwrap_or_default(), 16).unwrap();
    let (sys_module, sys_admin) = (bits >> 16 & 1, bits >> 21 & 1);
    assert_eq!((sys_module, sys_admin), (0, 1), "{}", seen.text);
    assert_eq!(network_of_the_machine(), before, "the machine's network is as it was");
}

#[tokio::test]
async fn the_engine_in_a_sandbox_has_a_network_that_is_not_the_machines() {
    if !is_possible() {
        return;
    }
    let Some(rig) = Rig::with(|config| config.allow_privileged = true).await else { return };
    network(&rig.host, with_image(rig.spec("network", &[]))).await;
}

#[tokio::test]
async fn a_container_and_the_engine_beside_it_share_a_network_that_is_not_the_machines() {
    if !is_possible() {
        return;
    }
    let Some(rig) = ContainerRig::with(|config| config.allow_privileged = true).await else { return };
    network(&rig.executor, container_job(&rig, "network", &[])).await;
}

/// Images that the engine of a job begins with, and a container and a volume that it leaves.
const LAYERS: [&str; 3] = [
    "echo \"begins with: $(docker images -q | wc -l) images, $(docker ps -aq | wc -l) containers, \
     $(docker volume ls -q | wc -l) volumes\"",
    "docker image inspect IMAGE >/dev/null 2>&1 || docker load -q -i base.tar",
    "docker run -d -v left:/left IMAGE sleep 1000 && docker build -q -t mine . 2>/dev/null && docker run --rm mine",
];

#[tokio::test]
async fn layers_are_kept_for_the_next_job_and_only_trusted_jobs_change_them() {
    if !is_possible() {
        return;
    }
    let Some(rig) = Rig::with(|config| config.allow_privileged = true).await else { return };
    let layers = rig.dir.path().join("layers");
    let job = |id: &str, writes| {
        let commands = LAYERS.map(|command| command.replace("IMAGE", IMAGE));
        let mut job = with_image(rig.spec(id, &commands.each_ref().map(String::as_str)));
        job.container.layers = Some(JobLayers { dir: layers.clone(), writes });
        job
    };
    let begins = |seen: &Seen| {
        assert!(seen.succeeded(), "{}", seen.text);
        let line = seen.text.lines().find(|line| line.starts_with("begins with: ")).unwrap_or_default();
        line.trim_start_matches("begins with: ").to_owned()
    };
    // Nobody has written yet, and whoever may not write leaves nothing.
    assert_eq!(begins(&rig.run(&job("pull-request", false)).await), "0 images, 0 containers, 0 volumes");
    assert_eq!(begins(&rig.run(&job("first", true)).await), "0 images, 0 containers, 0 volumes");
    let kept = begins(&rig.run(&job("second", true)).await);
    assert_eq!(kept, "2 images, 0 containers, 0 volumes", "images stay, all else goes");
    assert_eq!(begins(&rig.run(&job("another-pull-request", false)).await), "2 images, 0 containers, 0 volumes");

    // Two at once: the second has a storage of its own.
    let mut holder = job("holder", true);
    holder.steps[0].commands.push("mkfifo go; echo up; read word <go".into());
    rig.host.start(&holder).await.unwrap();
    until(&rig.host, &holder.id, "\nup\n").await;
    assert_eq!(begins(&rig.run(&job("beside", true)).await), "0 images, 0 containers, 0 volumes");
    let go = holder.work_dir.join("go");
    tokio::task::spawn_blocking(move || std::fs::write(go, "on\n")).await.unwrap().unwrap();
    assert!(follow(&rig.host, &holder.id).await.succeeded());
    rig.host.destroy(&holder.id).await.unwrap();

    // A shim that is killed leaves a storage that the next job can use.
    let mut killed = job("killed", true);
    killed.steps[0].commands.push("echo up; sleep 1000".into());
    rig.host.start(&killed).await.unwrap();
    until(&rig.host, &killed.id, "\nup\n").await;
    let shim = rig.host.jobs_dir().join(&killed.id).display().to_string();
    kill_process(Pid::from_raw(supervisor(&processes(&shim))).unwrap(), Signal::KILL).unwrap();
    follow(&rig.host, &killed.id).await;
    until_none(&shim).await;
    rig.host.destroy(&killed.id).await.unwrap();
    assert_eq!(begins(&rig.run(&job("after", true)).await), "2 images, 0 containers, 0 volumes");
    assert_eq!(left(&rig.host.jobs_dir()), Vec::<String>::new());
}

#[tokio::test]
async fn an_engine_is_not_for_jobs_without_isolation() {
    let Some(rig) = Rig::new().await else { return };
    let mut config = crate::rig::config(rig.dir.path());
    config.allow_privileged = true;
    let isolation = executor::Isolation { isolated: false, user_namespace: false, limits: String::new() };
    let host = executor::HostExecutor::new(config, isolation);
    let mut job = rig.spec("open", &["echo \"engine: $DOCKER_HOST\""]);
    job.container.privileged = true;
    let notes = host.prepare(&job, &|_| {}).await.map_err(|e: ExecutorError| e.to_string()).unwrap();
    assert!(
        notes.iter().any(|note| note.contains("privilegedMode has no effect: builds are not isolated")),
        "{notes:?}"
    );
    host.start(&job).await.unwrap();
    let seen = follow(&host, &job.id).await;
    assert_eq!(seen.lines(), ["engine: "], "{seen:?}");
    host.destroy(&job.id).await.unwrap();
}
