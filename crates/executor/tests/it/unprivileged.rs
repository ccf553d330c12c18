//! The host executor of a server that is not root.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;
use std::process::{Command, Output};

use crate::engine::OwnEngine;
use crate::rig::{Rig, base_dir};

const NOBODY: u32 = 65534;
/// Tests that say nothing about users and take long.
const LEFT_OUT: [&str; 4] =
    ["the_whole_suite", "a_hundred_megabytes", "the_first_line_is_seen", "two_shims_that_race_run_a_job_once"];

#[tokio::test]
async fn the_sandbox_knows_whether_it_needs_a_user_namespace() {
    let Some(rig) = Rig::new().await else { return };
    let is_root = rustix::process::geteuid().is_root();
    assert_eq!(rig.host.isolation().user_namespace, !is_root);
    let seen = rig.run(&rig.spec("who", &["id -u; wc -l </proc/self/uid_map; touch made"])).await;
    assert_eq!(seen.lines(), ["0", "1"], "{seen:?}");
}

/// Runs every other test once more as `nobody`: contract, isolation, limits, recovery.
#[test]
fn the_whole_suite_passes_for_a_server_that_is_not_root() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED: only root can become somebody else; all other tests ran as an ordinary user already");
        return;
    }
    let skipped: Vec<&str> = LEFT_OUT.iter().flat_map(|name| ["--skip", name]).collect();
    let Some(output) = as_nobody(&skipped, None) else { return };
    let text = text(&output);
    if let Some(line) = text.lines().find(|line| line.contains("SKIPPED: jobs cannot be isolated")) {
        // The kernel refuses user namespaces: nothing was tested.
        eprintln!("{line}");
    }
    assert!(output.status.success(), "{text}");
}

/// Such an engine's containers run as root, whose files the server could neither read nor remove, and whose processes it
/// cannot kill.
#[tokio::test]
async fn a_server_that_is_not_root_can_use_an_engine_of_roots() {
    if crate::engine::socket().is_none() {
        return;
    }
    if !rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED: only root has an engine of root's for tests");
        return;
    }
    let dir = tempfile::Builder::new().prefix("engine-").tempdir_in(base_dir()).unwrap();
    let engine = OwnEngine::start(&dir);
    std::fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
    std::fs::set_permissions(&engine.socket, Permissions::from_mode(0o666)).unwrap();
    let tests = ["contract::the_container_keeps_the_contract", "container::what_a_job_leaves_is_the_servers"];
    let Some(output) = as_nobody(&[&["--exact"], &tests[..]].concat(), Some(&engine.socket)) else { return };
    let text = text(&output);
    assert!(output.status.success() && text.contains("2 passed") && !text.contains("SKIPPED"), "{text}");
}

/// Runs tests of this program as another user; `None`, and says why, where that is not possible.
#[expect(clippy::disallowed_methods, reason = "the test must run as another user")]
fn as_nobody(arguments: &[&str], engine: Option<&Path>) -> Option<Output> {
    let dir = tempfile::Builder::new().prefix("nobody-").tempdir_in(base_dir()).unwrap();
    chown(dir.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]);
    command.arg(std::env::current_exe().unwrap()).args(["--nocapture", "--test-threads=2"]).args(arguments);
    command.env("HEADWORKS_TEST_DIR", dir.path()).env("HOME", dir.path()).env("TMPDIR", dir.path());
    // Anything else is the user's who runs this.
    command.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    match engine {
        Some(socket) => command.env("HEADWORKS_TEST_CONTAINER_SOCKET", socket),
        None => command.env_remove("HEADWORKS_TEST_CONTAINER_SOCKET"),
    };
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => {
            eprintln!("SKIPPED: there is no setpriv here: {error}");
            return None;
        }
    };
    if matches!(output.status.code(), Some(126 | 127)) {
        eprintln!("SKIPPED: nobody may not run {}: {}", std::env::current_exe().unwrap().display(), text(&output));
        return None;
    }
    Some(output)
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
