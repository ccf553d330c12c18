//! A shell in a job's container: the engine runs it there, and this process carries bytes between its terminal and the
//! engine's.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;

use bollard::exec::{CreateExecOptions, StartExecOptions, StartExecResults};
use bollard::query_parameters::ResizeExecOptionsBuilder;
use futures_util::StreamExt as _;
use rustix::termios::{OptionalActions, tcgetattr, tcgetwinsize, tcsetattr};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::signal::unix::{SignalKind, signal};

use super::engine::Engine;
use super::leftover::Note;
use crate::folder::Folder;
use crate::shim::Way;

/// What a process has that was killed with its container.
const KILLED: i64 = 137;

/// Runs until the shell ends; its status.
pub(crate) fn visit(folder: &Folder, way: &Way) -> io::Result<i32> {
    let note: Note = serde_json::from_slice(&fs::read(folder.container())?)?;
    // The window's size comes as a signal to whoever has the terminal.
    rustix::process::setsid()?;
    rustix::process::ioctl_tiocsctty(rustix::stdio::stdin())?;
    let kind = std::env::var("TERM").unwrap_or_else(|_| "dumb".to_owned());
    let modes = tcgetattr(rustix::stdio::stdin())?;
    let shows_input = modes.local_modes.contains(rustix::termios::LocalModes::ECHO);
    let mut raw = modes;
    raw.make_raw();
    tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, &raw)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let status = runtime.block_on(shell(&note, way, &kind, shows_input))?;
    Ok(i32::try_from(status).unwrap_or(1))
}

#[expect(deprecated, reason = "its safe form is sound here: the descriptor is owned and never replaced")]
async fn shell(note: &Note, way: &Way, kind: &str, shows_input: bool) -> io::Result<i64> {
    let engine = Engine::connect(&note.socket).await?;
    let quiet = if shows_input { "" } else { "stty -echo -onlcr 2>/dev/null; " };
    let options = CreateExecOptions {
        attach_stdin: Some(true),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        tty: Some(true),
        env: Some(vec![format!("TERM={kind}")]),
        cmd: Some(vec![way.program().to_owned(), "-c".to_owned(), format!("{quiet}{}", way.enter())]),
        user: Some(way.user.clone().unwrap_or_else(|| "0:0".to_owned())),
        ..CreateExecOptions::default()
    };
    let docker = engine.docker();
    let id = docker.create_exec(&note.name, options).await.map_err(io::Error::other)?.id;
    let start = StartExecOptions { detach: false, tty: true, output_capacity: None };
    let started = docker.start_exec(&id, Some(start)).await.map_err(io::Error::other)?;
    let StartExecResults::Attached { mut output, mut input } = started else {
        return Err(io::Error::other("the container engine did not attach"));
    };
    let resize = || async {
        if let Ok(size) = tcgetwinsize(rustix::stdio::stdin()) {
            let size = ResizeExecOptionsBuilder::default().h(size.ws_row.into()).w(size.ws_col.into()).build();
            // A shell that has just ended has no window.
            let _ = docker.resize_exec(&id, size).await;
        }
    };
    resize().await;
    let mut resized = signal(SignalKind::window_change())?;
    let typed = rustix::io::dup(rustix::stdio::stdin())?;
    rustix::io::ioctl_fionbio(&typed, true)?;
    let typed = AsyncFd::new(typed)?;
    let mut stdout = tokio::io::stdout();
    loop {
        tokio::select! {
            chunk = output.next() => match chunk {
                Some(Ok(chunk)) => {
                    stdout.write_all(&chunk.into_bytes()).await?;
                    stdout.flush().await?;
                }
                Some(Err(_)) | None => break,
            },
            sent = send(&typed, &mut input) => if !sent? {
                // Nobody sits there any more: the shell hears the end of its input.
                let _ = input.shutdown().await;
                return Ok(KILLED);
            },
            _ = resized.recv() => resize().await,
        }
    }
    let ended = docker.inspect_exec(&id).await;
    Ok(ended.ok().and_then(|ended| ended.exit_code).unwrap_or(KILLED))
}

/// Hands on what was typed; false when nobody types any more.
async fn send(typed: &AsyncFd<OwnedFd>, input: &mut (impl AsyncWrite + Unpin + ?Sized)) -> io::Result<bool> {
    let mut bytes = vec![0; 4096];
    let mut ready = typed.readable().await?;
    match ready.try_io(|fd| Ok(rustix::io::read(fd.get_ref(), &mut bytes[..])?)) {
        Ok(Ok(0) | Err(_)) => Ok(false),
        Ok(Ok(n)) => {
            input.write_all(bytes.get(..n).unwrap_or_default()).await?;
            input.flush().await?;
            Ok(true)
        }
        Err(_would_block) => Ok(true),
    }
}
