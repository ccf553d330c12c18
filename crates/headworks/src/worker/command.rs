//! Running the command of a job, and keeping the end of what it prints.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt, BufReader};
use tokio::process::Command;

/// Lines of output that a failure's message shows, and the bytes that they may take.
const TAIL_LINES: usize = 20;
const TAIL_BYTES: usize = 4000;
/// How long the output of a command that has ended is waited for.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// A line is cut here.
const MAX_LINE: usize = 8 * 1024;

/// How a command ended.
pub(super) struct Ended {
    pub success: bool,
    /// `exit code 3`, say.
    pub how: String,
    /// The last lines of its output.
    pub tail: String,
}

/// Ends every process of the command's group when it is dropped.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// Runs a command to its end. When this is dropped, every process of its group ends.
pub(super) async fn run(
    command: &[OsString],
    cwd: &Path,
    environment: Vec<(String, OsString)>,
    label: &str,
) -> Result<Ended, String> {
    let (program, arguments) = command.split_first().ok_or("there is no command")?;
    #[expect(clippy::disallowed_methods, reason = "the operator's own command is what a worker is for")]
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(cwd)
        .envs(environment)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|e| format!("The worker cannot start {}: {e}", program.display()))?;
    let group = Group(child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw));
    let tail = Arc::new(Mutex::new(Tail::default()));
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let printed = async {
        tokio::join!(lines(out, &tail, label), lines(err, &tail, label));
    };
    // What a command leaves behind in the background may hold its output open; only the command is waited for.
    let status = {
        tokio::pin!(printed);
        tokio::select! {
            status = child.wait() => {
                let _ = tokio::time::timeout(LAST_WORDS, &mut printed).await;
                status
            }
            () = &mut printed => child.wait().await,
        }
    };
    drop(group);
    let status = status.map_err(|e| format!("The worker cannot wait for the command: {e}"))?;
    let tail = tail.lock().unwrap_or_else(PoisonError::into_inner).text();
    Ok(Ended { success: status.success(), how: how(status), tail })
}

fn how(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "unknown end".to_owned(),
    }
}

async fn lines(pipe: Option<impl AsyncRead + Unpin>, tail: &Mutex<Tail>, label: &str) {
    let Some(pipe) = pipe else { return };
    let mut reader = BufReader::new(pipe);
    let mut line = Vec::new();
    let mut piece = [0_u8; 4096];
    loop {
        let read = reader.read(&mut piece).await.unwrap_or(0);
        for byte in piece.iter().take(read) {
            if *byte != b'\n' && line.len() < MAX_LINE {
                line.push(*byte);
                continue;
            }
            keep(&mut line, tail, label);
            if *byte != b'\n' {
                line.push(*byte);
            }
        }
        if read == 0 {
            if !line.is_empty() {
                keep(&mut line, tail, label);
            }
            return;
        }
    }
}

fn keep(line: &mut Vec<u8>, tail: &Mutex<Tail>, label: &str) {
    let text = String::from_utf8_lossy(line).into_owned();
    println!("[{label}] {text}");
    tail.lock().unwrap_or_else(PoisonError::into_inner).push(text);
    line.clear();
}

/// The last lines of what was printed.
#[derive(Default)]
pub(super) struct Tail(VecDeque<String>);

impl Tail {
    pub(super) fn push(&mut self, line: String) {
        self.0.push_back(line);
        while self.0.len() > TAIL_LINES {
            self.0.pop_front();
        }
    }

    pub(super) fn text(&self) -> String {
        let mut kept: Vec<&str> = Vec::new();
        let mut bytes = 0;
        for line in self.0.iter().rev() {
            bytes += line.len() + 1;
            if bytes > TAIL_BYTES {
                break;
            }
            kept.push(line);
        }
        kept.reverse();
        kept.join("\n")
    }
}
