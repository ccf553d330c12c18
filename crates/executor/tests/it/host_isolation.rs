//! What a job sees of the machine, and what it leaves on it.

use std::net::SocketAddrV4;
use std::os::unix::fs::PermissionsExt as _;

use base::{JobFile, JobFileContent, JobRoute};
use executor::Executor as _;

use crate::rig::{Rig, base_dir};

fn is_root() -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        eprintln!("SKIPPED: only root's sandbox can change the system's folders");
    }
    is_root
}

#[tokio::test]
async fn what_is_installed_or_deleted_outside_the_work_folder_is_gone_with_the_job() {
    let Some(rig) = Rig::new().await else { return };
    if !is_root() {
        return;
    }
    let mark = format!("headworks-test-{}", std::process::id());
    let job = rig.spec(
        "installs",
        &[
            &format!(
                "echo x > /usr/local/bin/{mark}; echo y >> /etc/hostname; mkdir -p /opt/{mark}; echo z > /tmp/{mark}"
            ),
            &format!("rm -rf /usr/share/doc /bin/ls; mkdir -p $HOME/.cache && echo c > $HOME/.cache/{mark}"),
            &format!("cat /usr/local/bin/{mark} /tmp/{mark} $HOME/.cache/{mark}; test -e /usr/bin/ls || echo gone"),
            "echo result > result",
        ],
    );
    let hostname = std::fs::read("/etc/hostname").ok();
    let seen = rig.run(&job).await;
    assert_eq!(seen.lines(), ["x", "z", "c", "gone"], "{seen:?}");
    for path in [format!("/usr/local/bin/{mark}"), format!("/opt/{mark}"), format!("/tmp/{mark}")] {
        assert!(!std::path::Path::new(&path).exists(), "{path}");
    }
    assert!(std::path::Path::new("/usr/bin/ls").exists());
    assert_eq!(std::fs::read("/etc/hostname").ok(), hostname);
    assert_eq!(std::fs::read_to_string(job.work_dir.join("result")).unwrap(), "result\n");
}

#[tokio::test]
async fn a_job_sees_files_of_its_own_in_place_of_the_machines() {
    let Some(rig) = Rig::new().await else { return };
    let hosts = std::fs::read("/etc/hosts").ok();
    let kept = rig.dir.path().join("kept");
    std::fs::write(&kept, "from the server\n").unwrap();
    let mut job = rig
        .spec("files", &["cat /etc/hosts /etc/headworks-test/deep", "echo x 2>/dev/null >> /etc/hosts || echo kept"]);
    job.files = vec![
        JobFile { path: "/etc/hosts".into(), content: JobFileContent::Text("127.77.0.1 aws\n".to_owned()) },
        JobFile { path: "/etc/headworks-test/deep".into(), content: JobFileContent::Of(kept) },
    ];
    let seen = rig.run(&job).await;
    assert_eq!(seen.lines(), ["127.77.0.1 aws", "from the server", "kept"], "{seen:?}");
    assert_eq!(std::fs::read("/etc/hosts").ok(), hosts);
    assert!(!std::path::Path::new("/etc/headworks-test").exists());
}

#[tokio::test]
async fn the_servers_data_the_home_and_other_jobs_are_not_in_the_view() {
    let secrets = tempfile::Builder::new().prefix("hw-secrets-").tempdir_in(base_dir()).unwrap();
    let tools = secrets.path().join(".tool");
    std::fs::create_dir_all(tools.join("bin")).unwrap();
    std::fs::write(secrets.path().join("key"), "secret").unwrap();
    std::fs::write(tools.join("credentials"), "secret").unwrap();
    std::fs::write(tools.join("bin/tool"), "#!/bin/sh\necho tool works\n").unwrap();
    std::fs::set_permissions(tools.join("bin/tool"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let rig = Rig::with(|config| {
        config.hidden.push(secrets.path().to_owned());
        config.hidden.push(tools.join("credentials"));
        config.visible.push(tools.clone());
    });
    let Some(rig) = rig.await else { return };
    std::fs::write(rig.dir.path().join("headworks.db"), "secret").unwrap();
    let other = rig.spec("other", &[]);
    std::fs::write(other.work_dir.join("file"), "secret").unwrap();
    let (data, hidden, tools) = (rig.dir.path().display(), secrets.path().display(), tools.display());
    let job = rig.spec("looks", &[
        &format!("find {data} -type f; find {data} -mindepth 1 -maxdepth 1"),
        &format!("find {hidden} -type f | sed s,^.*/,, | sort; cat {tools}/credentials; {tools}/bin/tool"),
        &format!("echo changed > {tools}/bin/tool; echo mine > {hidden}/new; cat {hidden}/new"),
        "ls -A /root /home /run /var/run/docker.sock /run/containerd 2>/dev/null | grep -c -e sock -e ssh -e aws -e bashrc || true",
    ]);
    let seen = rig.run(&job).await;
    let work = rig.dir.path().join("work").display().to_string();
    assert_eq!(seen.lines(), [work.as_str(), "credentials", "tool", "tool works", "mine", "0"], "{seen:?}");
    assert!(!secrets.path().join("new").exists());
    assert!(std::fs::read_to_string(secrets.path().join(".tool/bin/tool")).unwrap().contains("tool works"));
}

#[tokio::test]
async fn a_job_cannot_reach_the_hosts_processes_devices_or_mounts() {
    let Some(rig) = Rig::new().await else { return };
    let job = rig.spec("reaches", &[
        "test $(ls -d /proc/[0-9]* | wc -l) -lt 10 && echo few processes",
        "mount -t tmpfs none /mnt 2>/dev/null || echo no mount",
        "umount /root 2>/dev/null || echo no umount",
        "mknod disk b 254 0 2>/dev/null && cat disk >/dev/null 2>&1 || echo no disk",
        "echo 1 2>/dev/null >/proc/sys/kernel/panic || echo no sysctl",
        "ls /sys/fs/cgroup | wc -l; echo x > /dev/null && head -c 3 /dev/zero | wc -c; test -c /dev/urandom && echo devices",
        "grep -E 'NoNewPrivs|Seccomp:' /proc/self/status | head -1 | tr -d '\\t'",
        "(exec 2>/dev/null; echo h > /proc/sysrq-trigger; cat /proc/kcore | wc -c)",
    ]);
    let seen = rig.run(&job).await;
    let expected =
        ["few processes", "no mount", "no umount", "no disk", "no sysctl", "0", "3", "devices", "NoNewPrivs:1", "0"];
    assert_eq!(seen.lines(), expected, "{seen:?}");
}

#[tokio::test]
async fn what_is_hidden_stays_hidden_when_its_path_is_a_link() {
    let real = tempfile::Builder::new().prefix("hw-real-").tempdir_in(base_dir()).unwrap();
    std::fs::write(real.path().join("key"), "secret").unwrap();
    let link = real.path().with_extension("link");
    std::os::unix::fs::symlink(real.path(), &link).unwrap();
    let rig = Rig::with(|config| config.hidden.push(link.clone())).await;
    std::fs::remove_file(&link).unwrap();
    let Some(rig) = rig else { return };
    let job = rig.spec("link", &[&format!("ls -A {} 2>/dev/null; echo seen", real.path().display())]);
    let seen = rig.run(&job).await;
    assert_eq!(seen.lines(), ["seen"], "{seen:?}");
}

#[tokio::test]
async fn a_job_cannot_read_the_hosts_network_traffic() {
    let Some(rig) = Rig::new().await else { return };
    if !found("python3") {
        return;
    }
    let open = "python3 -c 'import socket; socket.socket(17, 3, 768)' 2>/dev/null && echo reads along || echo refused";
    let seen = rig.run(&rig.spec("sniffs", &[open])).await;
    assert_eq!(seen.lines(), ["refused"], "{seen:?}");
}

#[tokio::test]
async fn roots_jobs_have_dockers_capabilities_without_devices_and_raw_packets() {
    let Some(rig) = Rig::new().await else { return };
    let job = rig.spec("capabilities", &["grep -E '^Cap(Prm|Eff|Bnd|Amb)' /proc/self/status | tr -d '\\t'"]);
    let seen = rig.run(&job).await;
    // CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID, SETUID, SETPCAP, NET_BIND_SERVICE, SYS_CHROOT, AUDIT_WRITE and
    // SETFCAP: no SYS_ADMIN, SYS_MODULE, SYS_BOOT, SYS_RAWIO, SYS_TIME, SYS_PTRACE, SYSLOG, NET_ADMIN, BPF, MKNOD, NET_RAW.
    let held = ["CapPrm", "CapEff", "CapBnd"].map(|set| format!("{set}:00000000a00405fb"));
    assert_eq!(seen.lines(), [held[0].as_str(), &held[1], &held[2], "CapAmb:0000000000000000"], "{seen:?}");
}

#[tokio::test]
async fn the_kernel_itself_is_out_of_reach() {
    let Some(rig) = Rig::new().await else { return };
    if !found("python3") {
        return;
    }
    // By number, because no program of this machine makes them all. Without the right to call them the kernel says EPERM
    // before it looks at the arguments, or ENOSYS where it was built without them.
    let calls = "import ctypes\n\
                 libc = ctypes.CDLL(None, use_errno=True)\n\
                 calls = dict(init_module=175, delete_module=176, kexec_load=246, swapon=167, swapoff=168, iopl=172, acct=163)\n\
                 for name, number in calls.items():\n\
                 \x20   if libc.syscall(number, 3, 0, 0, 0) == 0 or ctypes.get_errno() not in (1, 38):\n\
                 \x20       print(name, ctypes.get_errno())\n\
                 print('done')\n";
    let job = rig.spec("kernel", &["python3 calls.py"]);
    std::fs::write(job.work_dir.join("calls.py"), calls).unwrap();
    let seen = rig.run(&job).await;
    if cfg!(target_arch = "x86_64") {
        assert_eq!(seen.lines(), ["done"], "{seen:?}");
    }
}

#[tokio::test]
async fn mounts_are_there_and_read_only_when_they_are_to_be() {
    let Some(rig) = Rig::new().await else { return };
    let cache = tempfile::Builder::new().prefix("hw-cache-").tempdir_in(base_dir()).unwrap();
    std::fs::write(cache.path().join("in"), "from outside\n").unwrap();
    let commands =
        "cat /tmp/cache/in /tmp/one; echo x >/tmp/cache/out; (echo y >/tmp/fixed/out) 2>/dev/null || echo refused";
    let mut job = rig.spec("mounts", &[commands, "(echo z >>/tmp/one) 2>/dev/null || echo refused"]);
    let mount = |source: &std::path::Path, target: &str, read_only| base::JobMount {
        source: source.to_owned(),
        target: target.into(),
        read_only,
    };
    job.container.mounts = vec![
        mount(cache.path(), "/tmp/cache", false),
        mount(cache.path(), "/tmp/fixed", true),
        mount(&cache.path().join("in"), "/tmp/one", true),
    ];
    let seen = rig.run(&job).await;
    assert_eq!(seen.lines(), ["from outside", "from outside", "refused", "refused"], "{seen:?}");
    assert_eq!(std::fs::read_to_string(cache.path().join("out")).unwrap(), "x\n");
}

#[tokio::test]
async fn the_machines_tools_work_inside() {
    let Some(rig) = Rig::new().await else { return };
    // Whatever is on this machine's PATH, also in the home of its user.
    let tools = ["python3", "node", "cargo", "git", "pip", "npm"].iter().filter(|t| found(t));
    let commands: Vec<String> = tools.map(|t| format!("{t} --version >/dev/null && echo ok {t}")).collect();
    let job = rig.spec("tools", &commands.iter().map(String::as_str).collect::<Vec<_>>());
    let seen = rig.run(&job).await;
    assert!(seen.succeeded() && seen.lines().len() == commands.len(), "{seen:?}");
}

fn found(tool: &str) -> bool {
    let found = std::env::split_paths(&std::env::var_os("PATH").unwrap()).any(|dir| dir.join(tool).exists());
    if !found {
        eprintln!("SKIPPED: {tool} is not on this machine");
    }
    found
}

#[tokio::test]
async fn dpkg_works_inside_and_leaves_nothing_outside() {
    let Some(rig) = Rig::new().await else { return };
    if !is_root() || !found("dpkg-deb") {
        return;
    }
    let job = rig.spec("dpkg", &[
        "mkdir -p p/DEBIAN p/usr/bin && printf '#!/bin/sh\\necho installed\\n' > p/usr/bin/hw-probe && chmod 755 p/usr/bin/hw-probe",
        "printf 'Package: hw-probe\\nVersion: 1\\nArchitecture: all\\nMaintainer: x <x@y.z>\\nDescription: x\\n' > p/DEBIAN/control",
        "dpkg-deb -b p hw-probe.deb >/dev/null && dpkg -i hw-probe.deb >log 2>&1 || cat log; hw-probe",
        "su nobody -s /bin/sh -c 'id -un; echo x > /tmp/nobody && cat /etc/passwd >/dev/null && echo fine'",
    ]);
    let seen = rig.run(&job).await;
    assert_eq!(seen.lines(), ["installed", "nobody", "fine"], "{seen:?}");
    assert!(!std::path::Path::new("/usr/bin/hw-probe").exists());
    assert!(!std::fs::read_to_string("/var/lib/dpkg/status").unwrap().contains("hw-probe"));
}

#[tokio::test]
async fn no_mount_or_folder_is_left_when_a_job_is_destroyed() {
    let Some(rig) = Rig::new().await else { return };
    let job = rig.spec("leaves", &["mkdir -p $HOME/a/b && chmod 000 $HOME/a; mkdir ro && touch ro/f && chmod 555 ro"]);
    assert!(rig.run(&job).await.succeeded());
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(!mounts.contains(&*rig.dir.path().to_string_lossy()), "{mounts}");
    assert_eq!(std::fs::read_dir(rig.host.jobs_dir()).unwrap().count(), 0);
}

#[tokio::test]
async fn an_executor_without_isolation_says_so_and_still_kills_everything() {
    let Some(rig) = Rig::new().await else { return };
    let isolation = executor::Isolation { isolated: false, user_namespace: false, limits: "no limits".into() };
    let mut config = crate::rig::config(rig.dir.path());
    config.allow_unisolated = true;
    let open = executor::HostExecutor::new(config, isolation);
    assert!(open.describe().contains("NO isolation"));
    let mark = crate::rig::unique_sleep();
    let mut job =
        rig.spec("open", &[&format!("(setsid sh -c 'sleep {mark} & sleep {mark}' &) ; echo up; sleep {mark}")]);
    job.timeout_seconds = 1;
    open.start(&job).await.unwrap();
    let seen = crate::rig::follow(&open, &job.id).await;
    assert!(matches!(seen.outcome, base::JobOutcome::TimedOut(_)), "{seen:?}");
    assert_eq!(crate::rig::processes(&mark), Vec::<i32>::new());
}

#[tokio::test]
async fn a_server_that_is_not_root_can_lead_addresses_elsewhere() {
    let Some(rig) = Rig::new().await else { return };
    if !rig.host.routes() {
        eprintln!("SKIPPED: only where the server is not root, and ip and iptables are installed");
        return;
    }
    let elsewhere = crate::nested::answering("127.77.9.9", "the server");
    let machines = crate::nested::answering("127.0.0.1", "the machine's");
    let get = |address: &str, port: u16| {
        format!("printf 'GET / HTTP/1.0\\r\\n\\r\\n' | busybox nc -w 5 {address} {port} | tail -n 1")
    };
    let commands = [get("127.77.9.9", 443), get("127.0.0.1", machines)];
    let mut job = rig.spec("led", &commands.each_ref().map(|command| command.as_str()));
    job.steps[0].commands[1].push_str(" || true");
    let address = "127.77.9.9".parse().unwrap();
    job.routes = vec![JobRoute { from: SocketAddrV4::new(address, 443), to: SocketAddrV4::new(address, elsewhere) }];
    let hosts = "127.0.0.1 localhost\n127.77.9.9 sts.amazonaws.com\n".to_owned();
    job.files = vec![JobFile { path: "/etc/hosts".into(), content: JobFileContent::Text(hosts) }];
    let seen = rig.run(&job).await;
    assert!(seen.succeeded(), "{}", seen.text);
    let is_closed = seen.text.contains("Connection refused") && !seen.text.contains("the machine's");
    assert!(
        seen.text.starts_with("the server") && is_closed,
        "and nothing else of the machine's loopback: {}",
        seen.text
    );
}
