//! How the `git` program is started: with an environment and a configuration of our own, nothing inherited.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::sync::OnceLock;

use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, ChildStderr, Command};

use crate::error::NOT_STARTED;
use crate::{Error, ObjectId};

/// Settings that hold for every run; repositories' own `config` files are ours and hold none of these.
const CONFIG: &[(&str, &str)] = &[
    // The server may run as another user than the one that made the data folder.
    ("safe.directory", "*"),
    ("core.hooksPath", "/dev/null"),
    ("core.logAllRefUpdates", "false"),
    // A push is answered after its objects are on the disk.
    ("core.fsync", "committed"),
    ("transfer.fsckObjects", "true"),
    ("uploadpack.allowFilter", "true"),
    // Between the two requests of a stateless fetch a branch may move; protocol v2 allows any object in any case.
    ("uploadpack.allowAnySHA1InWant", "true"),
    ("pack.writeReverseIndex", "false"),
    ("pack.threads", "2"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
];

/// Bytes of a program's standard error that we keep.
const STDERR_LIMIT_BYTES: u64 = 16 * 1024;

/// `git` with `args` on the repository at `dir`; standard input and output are pipes.
pub(crate) fn git(dir: &Path, args: &[&OsStr]) -> Command {
    git_with(dir, args, &[])
}

/// As `git`, with further settings, which win.
pub(crate) fn git_with(dir: &Path, args: &[&OsStr], config: &[(String, String)]) -> Command {
    let mut command = Command::from(plain(dir, args, config));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// Writes a blob's content into a file and waits for it; for threads that may block.
pub(crate) fn blob_into(dir: &Path, id: ObjectId, file: &File) -> Result<(), Error> {
    let failed = |status: String, stderr: String| Error::Git { command: "cat-file", status, stderr };
    let broken = |e: io::Error| failed(NOT_STARTED.to_owned(), e.to_string());
    let id = id.to_string();
    let output = plain(dir, &["cat-file", "blob", &id].map(OsStr::new), &[])
        .stdin(Stdio::null())
        .stdout(file.try_clone().map_err(broken)?)
        .stderr(Stdio::piped())
        .output()
        .map_err(broken)?;
    match output.status.success() {
        true => Ok(()),
        false => {
            let stderr = String::from_utf8_lossy(&output.stderr).trim_end().to_owned();
            Err(failed(output.status.to_string(), stderr))
        }
    }
}

/// The program with its environment.
#[expect(clippy::disallowed_methods, reason = "this crate may start git, and only here")]
fn plain(dir: &Path, args: &[&OsStr], config: &[(String, String)]) -> std::process::Command {
    let mut command = std::process::Command::new("git");
    command
        .args(args)
        .env_clear()
        .env("PATH", path())
        .env("HOME", "/nonexistent")
        .env("LC_ALL", "C")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_ATTR_NOSYSTEM", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_DIR", dir)
        .env("GIT_CONFIG_COUNT", (CONFIG.len() + config.len()).to_string())
        .current_dir(dir);
    let further = config.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    for (n, (key, value)) in CONFIG.iter().copied().chain(further).enumerate() {
        command.env(format!("GIT_CONFIG_KEY_{n}"), key).env(format!("GIT_CONFIG_VALUE_{n}"), value);
    }
    command
}

/// Where programs are looked for: as for the server itself.
fn path() -> &'static OsStr {
    static PATH: OnceLock<std::ffi::OsString> = OnceLock::new();
    PATH.get_or_init(|| std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into()))
}

/// Starts `command`; `name` is for the message.
pub(crate) fn spawn(command: &mut Command, name: &'static str) -> Result<Child, Error> {
    command.spawn().map_err(|e| Error::Git {
        command: name,
        status: NOT_STARTED.to_owned(),
        stderr: match e.kind() {
            io::ErrorKind::NotFound => "the program git was not found in PATH, or the repository is gone".to_owned(),
            _ => e.to_string(),
        },
    })
}

/// Reads standard error to its end and returns its beginning.
pub(crate) async fn collect(stderr: Option<ChildStderr>) -> String {
    let Some(mut stderr) = stderr else { return String::new() };
    let mut kept = Vec::new();
    // What was written before a failure to read still helps.
    let _ = (&mut stderr).take(STDERR_LIMIT_BYTES).read_to_end(&mut kept).await;
    let _ = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
    String::from_utf8_lossy(&kept).trim_end().to_owned()
}

/// Runs `command` to its end and gives its standard output.
pub(crate) async fn run(command: &mut Command, name: &'static str) -> Result<String, Error> {
    let mut child = spawn(command, name)?;
    drop(child.stdin.take());
    let output = async {
        let mut text = Vec::new();
        if let Some(mut stdout) = child.stdout.take() {
            let _ = stdout.read_to_end(&mut text).await;
        }
        text
    };
    let (text, stderr) = tokio::join!(output, collect(child.stderr.take()));
    let status = child.wait().await.map_err(Error::io("waiting for git in", "."))?;
    if status.success() {
        return Ok(String::from_utf8_lossy(&text).into_owned());
    }
    Err(Error::Git { command: name, status: status.to_string(), stderr })
}
