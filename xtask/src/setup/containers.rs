//! A container engine that the tests have for themselves: Podman with its storage, its configuration and its images under
//! `target/`. Nothing of the machine's own engine is touched, and no registry is asked.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::program::{is_root, must, output_of, program, works};
use crate::workspace;

/// Names that tests use (`crates/executor/tests/it/engine.rs`).
const BUSYBOX_IMAGE: &str = "localhost/headworks-test/busybox:1";
const EMPTY_IMAGE: &str = "localhost/headworks-test/empty:1";

/// runc, because crun refuses a machine with both versions of control groups; limits that a container of ours can have
/// where the service's own are lower than Podman's defaults.
const CONFIGURATION: &str = "\
[containers]
default_ulimits = [\"nofile=1024:1024\", \"nproc=4096:4096\"]

[engine]
runtime = \"runc\"
cgroup_manager = \"cgroupfs\"
events_logger = \"file\"
";

/// Tests have registries of their own, without TLS.
const REGISTRIES: &str = "\
[[registry]]
prefix = \"127.0.0.1\"
location = \"127.0.0.1\"
insecure = true
";

/// The commands of busybox that an image has links for.
const COMMANDS: &[&str] = &[
    "cat", "chmod", "chown", "cp", "cut", "date", "echo", "env", "expr", "false", "find", "grep", "head", "id", "kill",
    "ln", "ls", "mkdir", "mkfifo", "mount", "mv", "ps", "pwd", "rm", "sed", "seq", "sh", "sleep", "sort", "stat", "su",
    "tail", "tar", "tee", "test", "touch", "tr", "true", "uname", "wc", "wget", "xargs",
];

/// Where everything is.
pub fn folder() -> PathBuf {
    workspace::target().join("containers")
}

/// The file that `CONTAINERS_CONF` must name.
pub fn configuration() -> PathBuf {
    folder().join("containers.conf")
}

/// Podman with options that lead to our storage, as words.
pub fn words() -> Vec<String> {
    let at = |name: &str| folder().join(name).display().to_string();
    let words = ["podman", "--root", &at("storage"), "--runroot", &at("run"), "--storage-driver", "vfs"];
    words.map(str::to_owned).to_vec()
}

/// The same as a command.
pub fn podman() -> Command {
    let words = words();
    let mut command = program(words.first().map_or("podman", String::as_str));
    command.args(words.iter().skip(1)).env("CONTAINERS_CONF", configuration());
    command.env("CONTAINERS_REGISTRIES_CONF", folder().join("registries.conf"));
    command
}

/// What is missing of the programs; `None` when all are there.
pub fn missing() -> Option<&'static str> {
    if !is_root() {
        return Some("root's rights (tests of containers need an engine of root's)");
    }
    let programs = [("podman", "--version"), ("runc", "--version"), ("busybox", "--help")];
    programs.into_iter().find(|(name, flag)| !works(program(name).arg(flag))).map(|(name, _)| name)
}

/// Writes the configuration and makes the images, once.
pub fn install() -> Result<()> {
    fs::create_dir_all(folder())?;
    fs::write(configuration(), CONFIGURATION).context("cannot write containers.conf")?;
    fs::write(folder().join("registries.conf"), REGISTRIES).context("cannot write registries.conf")?;
    let images = output_of(podman().args(["images", "--format", "{{.Repository}}:{{.Tag}}"]))?;
    let has = |image: &str| images.lines().any(|line| line == image);
    if !has(BUSYBOX_IMAGE) {
        let root = folder().join("busybox");
        busybox(&root)?;
        import(&root, BUSYBOX_IMAGE)?;
    }
    if !has(EMPTY_IMAGE) {
        let root = folder().join("empty");
        fs::create_dir_all(&root)?;
        fs::write(root.join("README"), "There is no shell here.\n")?;
        import(&root, EMPTY_IMAGE)?;
    }
    Ok(())
}

fn busybox(root: &Path) -> Result<()> {
    let program = ["/bin/busybox", "/usr/bin/busybox"].map(Path::new).into_iter().find(|path| path.exists());
    let Some(program) = program else { bail!("there is no busybox (Debian: busybox-static)") };
    if root.exists() {
        fs::remove_dir_all(root)?;
    }
    for dir in ["bin", "dev", "etc", "proc", "root", "sys", "tmp", "var"] {
        fs::create_dir_all(root.join(dir))?;
    }
    fs::set_permissions(root.join("tmp"), fs::Permissions::from_mode(0o1777))?;
    fs::copy(program, root.join("bin/busybox"))?;
    for command in COMMANDS {
        symlink("busybox", root.join("bin").join(command))?;
    }
    let users = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n";
    fs::write(root.join("etc/passwd"), users)?;
    fs::write(root.join("etc/group"), "root:x:0:\nnogroup:x:65534:\n")?;
    Ok(())
}

fn import(root: &Path, image: &str) -> Result<()> {
    let archive = root.with_extension("tar");
    must(program("tar").arg("-C").arg(root).args(["--owner=0", "--group=0", "-cf"]).arg(&archive).arg("."))?;
    output_of(podman().arg("import").arg(&archive).arg(image))?;
    fs::remove_file(&archive)?;
    Ok(())
}
