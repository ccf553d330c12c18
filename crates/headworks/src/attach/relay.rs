//! Between a connection and the terminal of a shell in a job.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use executor::shim::{self, Visit};
use rustix::io::Errno;
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;

use super::frame::{self, Frame};

const CHUNK_LEN: usize = 16 << 10;
/// Between two looks whether the shell's process has gone, which it has as soon as nobody has its terminal.
const LOOK_PAUSE: Duration = Duration::from_millis(10);
const LOOKS: u32 = 500;
/// The same, whether a job ends whose shell was killed.
const KILLED_LOOKS: u32 = 200;

/// Carries bytes until the shell ends, which the other side hears, or the other side is gone, with which the shell goes.
#[expect(deprecated, reason = "its safe form is sound here: the descriptor is owned and never replaced")]
pub async fn relay<S>(visit: Visit, stream: S, jobs_dir: PathBuf, job: String) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let mut visit = visit;
    let master = visit.master()?;
    rustix::io::ioctl_fionbio(&master, true)?;
    let master = AsyncFd::new(master)?;
    let (mut reader, mut writer) = tokio::io::split(stream);
    let (frames, mut told) = mpsc::channel(16);
    // In a task of its own, so that no frame is torn.
    let reading = tokio::spawn(async move {
        while let Ok(Some(frame)) = frame::read(&mut reader).await {
            if frames.send(frame).await.is_err() {
                return;
            }
        }
    });
    let input = async {
        while let Some(frame) = told.recv().await {
            match frame {
                Frame::Bytes(bytes) => write_all(&master, &bytes).await?,
                Frame::Size { rows, columns } => visit.resize(rows, columns)?,
                Frame::Ended { .. } => {}
            }
        }
        Ok::<_, io::Error>(())
    };
    let output = async {
        while let Some(bytes) = read(&master).await? {
            frame::write(&mut writer, &Frame::Bytes(bytes)).await?;
        }
        Ok::<_, io::Error>(())
    };
    let shell_ended = tokio::select! {
        ended = output => ended.map(|()| true),
        gone = input => gone.map(|()| false),
    };
    let ended = match shell_ended {
        Ok(true) => end(&mut visit, &mut writer, (&jobs_dir, &job)).await,
        Ok(false) => Ok(()),
        Err(e) => Err(e),
    };
    reading.abort();
    ended
}

async fn end(
    visit: &mut Visit,
    writer: &mut (impl AsyncWrite + Unpin),
    (jobs_dir, job): (&Path, &str),
) -> io::Result<()> {
    let mut status = None;
    for _ in 0..LOOKS {
        status = visit.try_wait()?;
        if status.is_some() {
            break;
        }
        tokio::time::sleep(LOOK_PAUSE).await;
    }
    let status = status.map_or(1, |status| status.code().unwrap_or(1));
    let mut job_is_over = !shim::is_running(jobs_dir, job);
    if status > 128 {
        // Killed with its job, most likely, whose end is written down a little later.
        for _ in 0..KILLED_LOOKS {
            if job_is_over {
                break;
            }
            tokio::time::sleep(LOOK_PAUSE).await;
            job_is_over = !shim::is_running(jobs_dir, job);
        }
    }
    frame::write(writer, &Frame::Ended { status, job_is_over }).await
}

/// `None` when nobody has the other end any more.
async fn read(master: &AsyncFd<OwnedFd>) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = vec![0; CHUNK_LEN];
    loop {
        let mut ready = master.readable().await?;
        match ready.try_io(|fd| Ok(rustix::io::read(fd.get_ref(), &mut bytes[..])?)) {
            Ok(Ok(0)) => return Ok(None),
            Ok(Ok(n)) => {
                bytes.truncate(n);
                return Ok(Some(bytes));
            }
            Ok(Err(e)) if e.raw_os_error() == Some(Errno::IO.raw_os_error()) => return Ok(None),
            Ok(Err(e)) if e.kind() == io::ErrorKind::Interrupted => {}
            Ok(Err(e)) => return Err(e),
            Err(_would_block) => {}
        }
    }
}

async fn write_all(master: &AsyncFd<OwnedFd>, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let mut ready = master.writable().await?;
        match ready.try_io(|fd| Ok(rustix::io::write(fd.get_ref(), bytes)?)) {
            Ok(Ok(n)) => bytes = bytes.get(n..).unwrap_or_default(),
            Ok(Err(e)) if e.kind() == io::ErrorKind::Interrupted => {}
            Ok(Err(e)) => return Err(e),
            Err(_would_block) => {}
        }
    }
    Ok(())
}
