//! A running job, seen from its supervisor: everything that can happen to it comes together in [`Session::wait`].

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use base::{Clock as _, StepRecord, SystemClock, Timestamp};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, Shutdown, recv, send};
use rustix::process::Pid;

use super::orders::{self, Stream};
use super::shell::Control;
use super::way::Way;
use crate::folder::{Folder, write_durably};
use crate::journal::Writer;
use crate::output::{Lines, Masker};

/// The output pipe's capacity: a talkative command is held up rarely.
pub(super) const PIPE_LEN: usize = 1 << 20;
pub(super) const CHUNK_LEN: usize = 32 << 10;
/// How much of the output is searched for the pattern of a retry.
const TAIL_LEN: usize = 64 << 10;

/// What the init says. Sent as one packet: the letter, then text.
pub(crate) mod message {
    /// To the init: start a shell, for the user whose name follows.
    pub const SHELL: &[u8] = b"S";
    /// The sandbox stands. Behind it the number of a container's first process.
    pub const READY: u8 = b'R';
    /// The sandbox could not be set up; a reason follows.
    pub const ERROR: u8 = b'E';
    /// The shell has ended; its status follows.
    pub const ENDED: u8 = b'X';
    /// The container is gone though nobody asked for it; the reason follows, behind `!` when it was for want of memory.
    pub const GONE: u8 = b'G';
    /// Every process of the container is gone, because the supervisor asked for it.
    pub const KILLED: u8 = b'K';
}

/// Something that the job has done.
#[derive(Debug)]
pub(super) enum Happened {
    /// The sandbox stands; for a container with the number of its first process.
    Ready(Option<Pid>),
    SetupFailed(String),
    /// The shell goes on; the command ended with this status.
    CommandEnded(i32),
    /// The shell itself has ended.
    ShellEnded(i32),
}

/// Why nothing more will happen.
#[derive(Debug)]
pub(super) enum Stop {
    TimedOut,
    Cancelled,
    /// The init is gone though nobody killed it.
    InitDied,
    /// The container is gone though nobody ended it.
    ContainerDied {
        reason: String,
        out_of_memory: bool,
    },
    /// The supervisor itself failed (disk full, say).
    Broken(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Stop::Broken(error)
    }
}

impl From<Errno> for Stop {
    fn from(error: Errno) -> Self {
        Stop::Broken(error.into())
    }
}

/// See the module's doc.
pub(super) struct Session<'a> {
    pub folder: &'a Folder,
    pub journal: &'a mut Writer,
    pub masker: Masker,
    pub lines: Lines,
    /// Reading end of the pipe that is stdout and stderr of everything in the job; does not block.
    pub output: OwnedFd,
    /// To and from the init; does not block.
    pub socket: OwnedFd,
    pub control: Control,
    /// Tells when `cancel` appears; does not block.
    pub cancel_watch: OwnedFd,
    pub deadline: Instant,
    pub shell_runs: bool,
    /// Whether the job is to wait where it fails; it does so once.
    pub holds_failed: bool,
    /// Set when visitors may come in.
    pub way: Option<Way>,
    /// Where the control folder is in the job's view.
    pub inside: PathBuf,
    /// Who runs the shell.
    pub user: Option<String>,
    /// Why the job has no container engine.
    pub no_engine: Option<String>,
    /// The end of the output, when somebody wants to look at it.
    pub tail: Option<Vec<u8>>,
    /// Everything that could write is gone; looking again would be a busy loop.
    pub output_ended: bool,
    /// What ordered commands write: stdout, stderr. Empty where no commands are ordered.
    pub streams: Vec<Stream>,
}

impl Session<'_> {
    /// Waits for the next thing to happen; meanwhile the output goes to the journal. All output that was written before
    /// the thing happened is in the journal when this returns.
    pub fn wait(&mut self) -> Result<Happened, Stop> {
        self.check_cancel()?;
        loop {
            let left = self.deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Stop::TimedOut);
            }
            let [output, status, socket, cancel, streams] = self.poll(left)?;
            if output {
                self.output_ended = self.read_output()? == Read::End;
            }
            if streams {
                self.read_streams()?;
            }
            if cancel {
                self.drop_watch_events();
                self.check_cancel()?;
            }
            if status && let Some(status) = self.control.read_status()? {
                self.drain_output()?;
                return Ok(Happened::CommandEnded(status));
            }
            if socket && let Some(happened) = self.read_socket()? {
                self.drain_output()?;
                return Ok(happened);
            }
        }
    }

    /// Waits where a command has failed until somebody lets the job go on; once, and only when that is wanted.
    pub fn hold(&mut self) -> Result<(), Stop> {
        if !std::mem::take(&mut self.holds_failed) {
            return Ok(());
        }
        write_durably(&self.folder.held(), b"")?;
        while !self.folder.resume().try_exists()? {
            self.check_cancel()?;
            let left = self.deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Stop::TimedOut);
            }
            self.idle_for(left)?;
        }
        Ok(())
    }

    /// Waits until something in the job's folder changes; the job goes on meanwhile.
    pub fn idle(&mut self) -> Result<(), Stop> {
        loop {
            self.check_cancel()?;
            let left = self.deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Stop::TimedOut);
            }
            if self.idle_for(left)? {
                return self.check_cancel();
            }
        }
    }

    /// True when the job's folder has changed.
    fn idle_for(&mut self, limit: Duration) -> Result<bool, Stop> {
        let [output, _, socket, changed, streams] = self.poll(limit)?;
        if output {
            self.output_ended = self.read_output()? == Read::End;
        }
        if streams {
            self.read_streams()?;
        }
        if changed {
            self.drop_watch_events();
        }
        if socket {
            self.read_socket()?;
        }
        Ok(changed)
    }

    /// Asks the init for a new shell.
    pub fn start_shell(&mut self) -> Result<(), Stop> {
        self.control.forget();
        let user = self.user.as_deref().unwrap_or_default().as_bytes();
        let order = [message::SHELL, user].concat();
        send(&self.socket, &order, SendFlags::NOSIGNAL).map_err(|_| Stop::InitDied)?;
        (self.shell_runs, self.output_ended) = (true, false);
        Ok(())
    }

    /// Ends the shell if another user is to run the commands; the next command starts a new one.
    pub fn use_user(&mut self, user: Option<&str>) -> Result<(), Stop> {
        if self.user.as_deref() == user {
            return Ok(());
        }
        if self.shell_runs {
            self.control.send("exit 0")?;
            while !matches!(self.wait()?, Happened::ShellEnded(_)) {}
        }
        self.user = user.map(str::to_owned);
        if let Some(way) = &mut self.way {
            way.user.clone_from(&self.user);
            way.write(self.folder)?;
        }
        Ok(())
    }

    /// Begins to remember the end of the output, or stops it.
    pub fn remember_output(&mut self, wanted: bool) {
        self.tail = wanted.then(Vec::new);
    }

    /// What is remembered so far.
    pub fn tail(&self) -> &[u8] {
        self.tail.as_deref().unwrap_or_default()
    }

    /// What was remembered.
    pub fn remembered_output(&mut self) -> Vec<u8> {
        let mut tail = self.tail.take().unwrap_or_default();
        tail.drain(..tail.len().saturating_sub(TAIL_LEN));
        tail
    }

    /// Writes lines of the supervisor itself, after all output so far.
    pub fn say(&mut self, lines: &str) -> io::Result<()> {
        self.flush()?;
        let masked = self.masker.mask(lines);
        self.journal.output(now(), masked.as_bytes())
    }

    pub fn record(&mut self, record: &StepRecord) -> io::Result<()> {
        self.journal.step(now(), record)
    }

    /// Reads the rest of the output after everything that could write was killed.
    pub fn finish(&mut self) -> io::Result<()> {
        // A process that escaped the kill (without isolation) may still hold the pipe: then there is no end of file.
        let limit = Instant::now() + Duration::from_secs(2);
        while self.read_output()? != Read::End {
            let left = limit.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let mut fds = [PollFd::new(&self.output, PollFlags::IN)];
            poll_fds(&mut fds, left)?;
        }
        self.flush()
    }

    fn poll(&self, timeout: Duration) -> io::Result<[bool; 5]> {
        let [out, err] = orders::ends(&self.streams, &self.output);
        let wanted = if self.streams.is_empty() { PollFlags::empty() } else { PollFlags::IN };
        let mut fds = [
            PollFd::new(&self.output, PollFlags::IN),
            PollFd::new(&self.control.status, PollFlags::IN),
            PollFd::new(&self.socket, PollFlags::IN),
            PollFd::new(&self.cancel_watch, PollFlags::IN),
            PollFd::from_borrowed_fd(out, wanted),
            PollFd::from_borrowed_fd(err, wanted),
        ];
        // The output pipe hangs up while no shell runs and nothing else holds it: that would be a busy loop.
        if !self.shell_runs || self.output_ended {
            fds[0] = PollFd::new(&self.output, PollFlags::empty());
        }
        poll_fds(&mut fds, timeout)?;
        let [output, status, socket, cancel, out, err] = fds.map(|fd| !fd.revents().is_empty());
        Ok([output, status, socket, cancel, !self.streams.is_empty() && (out || err)])
    }

    fn read_streams(&mut self) -> io::Result<()> {
        for stream in &mut self.streams {
            stream.read(self.journal)?;
        }
        Ok(())
    }

    fn read_output(&mut self) -> io::Result<Read> {
        let mut chunk = vec![0; CHUNK_LEN];
        let n = match rustix::io::read(&self.output, &mut chunk[..]) {
            Ok(0) => return Ok(Read::End),
            Ok(n) => n,
            Err(Errno::AGAIN) => return Ok(Read::Nothing),
            Err(Errno::INTR) => return Ok(Read::Some(0)),
            Err(e) => return Err(e.into()),
        };
        let mut clear = Vec::with_capacity(n);
        self.masker.push(chunk.get(..n).unwrap_or_default(), &mut clear);
        if let Some(tail) = &mut self.tail {
            tail.extend_from_slice(&clear);
            if tail.len() > 2 * TAIL_LEN {
                tail.drain(..tail.len() - TAIL_LEN);
            }
        }
        let (journal, time) = (&mut *self.journal, now());
        self.lines.push(&clear, |batch| journal.output(time, batch))?;
        Ok(Read::Some(n))
    }

    /// Reads what is in the pipe now; no more than it can hold, for a process in the background may write for ever.
    fn drain_output(&mut self) -> io::Result<()> {
        let mut seen = 0;
        while seen < PIPE_LEN {
            match self.read_output()? {
                Read::Some(n) => seen += n,
                Read::Nothing | Read::End => break,
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut rest = Vec::new();
        self.masker.flush(&mut rest);
        let (journal, time) = (&mut *self.journal, now());
        self.lines.push(&rest, |batch| journal.output(time, batch))?;
        self.lines.flush(|batch| journal.output(time, batch))
    }

    fn read_socket(&mut self) -> Result<Option<Happened>, Stop> {
        let mut buffer = [0; 4096];
        let n = match recv(&self.socket, &mut buffer[..], RecvFlags::empty()) {
            Ok((0, _)) | Err(Errno::CONNRESET) => return Err(Stop::InitDied),
            Ok((n, _)) => n,
            Err(Errno::AGAIN | Errno::INTR) => return Ok(None),
            Err(e) => return Err(e.into()),
        };
        let Some((kind, text)) = buffer.get(..n).and_then(<[u8]>::split_first) else { return Ok(None) };
        let text = String::from_utf8_lossy(text).into_owned();
        Ok(match *kind {
            message::READY => Some(Happened::Ready(text.parse().ok().and_then(Pid::from_raw))),
            message::ERROR => Some(Happened::SetupFailed(text)),
            message::ENDED => {
                self.shell_runs = false;
                Some(Happened::ShellEnded(text.parse().unwrap_or(1)))
            }
            message::GONE => {
                let reason = text.trim_start_matches('!').to_owned();
                return Err(Stop::ContainerDied { reason, out_of_memory: text.starts_with('!') });
            }
            _ => None,
        })
    }

    /// Tells a container's attendant that the job is over and waits until nothing of it runs any more, or `limit` is over.
    pub fn end_container(&mut self, limit: Duration) -> ContainerEnd {
        let _ = rustix::net::shutdown(&self.socket, Shutdown::Write);
        let deadline = Instant::now() + limit;
        let mut buffer = [0; 4096];
        loop {
            match recv(&self.socket, &mut buffer[..], RecvFlags::empty()) {
                Ok((0, _)) | Err(Errno::CONNRESET) => return ContainerEnd::Unattended,
                Ok(_) if buffer.first() == Some(&message::KILLED) => return ContainerEnd::Gone,
                Ok(_) | Err(Errno::INTR) => continue,
                Err(Errno::AGAIN) => {}
                Err(_) => return ContainerEnd::Late,
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let mut fds = [PollFd::new(&self.socket, PollFlags::IN)];
            if left.is_zero() || poll_fds(&mut fds, left).is_err() {
                return ContainerEnd::Late;
            }
        }
    }

    fn check_cancel(&self) -> Result<(), Stop> {
        if self.folder.cancel().try_exists()? { Err(Stop::Cancelled) } else { Ok(()) }
    }

    fn drop_watch_events(&self) {
        let mut buffer = [0; 4096];
        while matches!(rustix::io::read(self.cancel_watch.as_fd(), &mut buffer[..]), Ok(n) if n > 0) {}
    }
}

/// What an attendant makes of the order to end its container.
pub enum ContainerEnd {
    /// Nothing of it runs any more.
    Gone,
    /// The attendant ends without having said so.
    Unattended,
    /// The attendant is there and says nothing.
    Late,
}

#[derive(PartialEq, Eq)]
enum Read {
    Some(usize),
    Nothing,
    End,
}

fn poll_fds(fds: &mut [PollFd<'_>], timeout: Duration) -> io::Result<()> {
    let timeout = Timespec {
        tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: timeout.subsec_nanos().into(),
    };
    match poll(fds, Some(&timeout)) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(e) => Err(e.into()),
    }
}

/// The wall clock: the shim is no part of a test's fake time.
pub(super) fn now() -> Timestamp {
    SystemClock.now()
}
