//! The terminal at which the user sits: raw as long as the shell elsewhere has it, and given back as it was.

use std::io::{self, Write as _};
use std::os::fd::OwnedFd;

use executor::shim::Terminal;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::stdio::{stdin, stdout};
use rustix::termios::{OptionalActions, Termios, isatty, tcgetattr, tcgetwinsize, tcsetattr};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::frame::{self, Frame};

const CHUNK_LEN: usize = 4 << 10;
/// Ctrl-D.
const END_OF_INPUT: u8 = 4;

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The shell ended with this status.
    Shell { status: i32, job_is_over: bool },
    /// This signal was sent to us.
    Signal(i32),
}

/// Why it broke off.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    #[error("the connection to the server is gone")]
    Gone,
    #[error("the terminal cannot be used")]
    Io(#[from] io::Error),
}

/// Where the user sits. Dropping it gives the terminal back.
pub struct Seat {
    before: Option<Termios>,
}

impl Seat {
    /// Takes a seat; the terminal stays as it is until [`Seat::talk`].
    pub fn take() -> Seat {
        Seat { before: None }
    }

    /// What stands there.
    pub fn terminal(&self) -> Terminal {
        let (rows, columns) = size().unwrap_or((24, 80));
        let kind = std::env::var("TERM").ok().filter(|kind| is_kind(kind)).unwrap_or_else(|| "dumb".to_owned());
        Terminal { rows, columns, kind, echo: isatty(stdin()) }
    }

    /// Carries bytes between the terminal and a shell until that ends.
    pub async fn talk<S>(&mut self, stream: S) -> Result<End, UserError>
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let of = |kind| signal(kind);
        let (mut resized, mut hung_up) = (of(SignalKind::window_change())?, of(SignalKind::hangup())?);
        let (mut terminated, mut interrupted) = (of(SignalKind::terminate())?, of(SignalKind::interrupt())?);
        if isatty(stdin()) {
            let before = tcgetattr(stdin()).map_err(io::Error::from)?;
            let mut raw = before.clone();
            raw.make_raw();
            tcsetattr(stdin(), OptionalActions::Drain, &raw).map_err(io::Error::from)?;
            self.before = Some(before);
        }
        let (mut reader, mut writer) = tokio::io::split(stream);
        let (typed, mut input) = mpsc::channel(16);
        let _stop = read_input(typed)?;
        let (frames, mut told) = mpsc::channel(16);
        let reading = tokio::spawn(async move {
            while let Ok(Some(frame)) = frame::read(&mut reader).await {
                if frames.send(frame).await.is_err() {
                    return;
                }
            }
        });
        let mut is_open = true;
        let ended = loop {
            tokio::select! {
                frame = told.recv() => match frame {
                    Some(Frame::Bytes(bytes)) => show(&bytes)?,
                    Some(Frame::Ended { status, job_is_over }) => break Ok(End::Shell { status, job_is_over }),
                    Some(Frame::Size { .. }) => {}
                    None => break Err(UserError::Gone),
                },
                bytes = input.recv(), if is_open => {
                    is_open = bytes.is_some();
                    let bytes = bytes.unwrap_or_else(|| vec![END_OF_INPUT]);
                    if frame::write(&mut writer, &Frame::Bytes(bytes)).await.is_err() {
                        is_open = false;
                    }
                }
                _ = resized.recv() => if let Some((rows, columns)) = size() {
                    // Who is gone is heard of by `told`.
                    let _ = frame::write(&mut writer, &Frame::Size { rows, columns }).await;
                },
                _ = hung_up.recv() => break Ok(End::Signal(1)),
                _ = interrupted.recv() => break Ok(End::Signal(2)),
                _ = terminated.recv() => break Ok(End::Signal(15)),
            }
        };
        reading.abort();
        self.give_back();
        ended
    }

    fn give_back(&mut self) {
        if let Some(before) = self.before.take() {
            let _ = tcsetattr(stdin(), OptionalActions::Drain, &before);
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.give_back();
    }
}

/// What may stand in a header and in an environment.
pub fn is_kind(kind: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"+._-".contains(&b);
    !kind.is_empty() && kind.len() <= 64 && kind.bytes().all(plain)
}

fn size() -> Option<(u16, u16)> {
    let size = tcgetwinsize(stdout()).or_else(|_| tcgetwinsize(stdin())).ok()?;
    (size.ws_row > 0 && size.ws_col > 0).then_some((size.ws_row, size.ws_col))
}

fn show(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

/// Reads standard input in a thread of its own, until its end or until what is returned is dropped: nothing that is typed
/// later is taken from whoever reads next.
fn read_input(typed: mpsc::Sender<Vec<u8>>) -> io::Result<OwnedFd> {
    let (stopped, stop) = pipe_with(PipeFlags::CLOEXEC)?;
    std::thread::spawn(move || {
        loop {
            let (mut input, input_end) = (vec![0; CHUNK_LEN], stdin());
            let mut fds = [PollFd::new(&input_end, PollFlags::IN), PollFd::new(&stopped, PollFlags::IN)];
            match poll(&mut fds, None) {
                Err(rustix::io::Errno::INTR) => continue,
                Err(_) => return,
                Ok(_) => {}
            }
            let [_, stop] = fds.map(|fd| !fd.revents().is_empty());
            if stop {
                return;
            }
            match rustix::io::read(stdin(), &mut input[..]) {
                Ok(0) => return,
                Ok(n) => {
                    input.truncate(n);
                    if typed.blocking_send(input).is_err() {
                        return;
                    }
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return,
            }
        }
    });
    Ok(stop)
}
