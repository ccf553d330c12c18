//! Commands that are ordered while a job waits for them: each in a shell of its own, one after the other, its output apart
//! from everything else's and in the log as well.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;

use base::{CommandEnd, CommandOrder, CommandRecord, JobSpec};
use rustix::io::Errno;

use super::session::{CHUNK_LEN, PIPE_LEN, Session, Stop, now};
use super::steps;
use crate::journal::Writer;
use crate::output::{Lines, Masker};

/// One of the two pipes that ordered commands write into.
pub(super) struct Stream {
    /// Reading end; does not block, and never ends as long as this process holds it.
    pub pipe: File,
    masker: Masker,
    lines: Lines,
    kept: Vec<u8>,
    left_out: usize,
}

impl Stream {
    pub fn new(pipe: File, spec: &JobSpec) -> Stream {
        let masker = Masker::new(spec.masked.iter().map(|s| s.expose().as_str()));
        Stream { pipe, masker, lines: Lines::default(), kept: Vec::new(), left_out: 0 }
    }

    /// Reads what one read gives; how much that was.
    pub fn read(&mut self, journal: &mut Writer) -> io::Result<usize> {
        let mut chunk = vec![0; CHUNK_LEN];
        let n = match rustix::io::read(&self.pipe, &mut chunk[..]) {
            Ok(n) => n,
            Err(Errno::AGAIN | Errno::INTR) => 0,
            Err(e) => return Err(e.into()),
        };
        let mut clear = Vec::with_capacity(n);
        self.masker.push(chunk.get(..n).unwrap_or_default(), &mut clear);
        self.keep(&clear);
        self.lines.push(&clear, |batch| journal.output(now(), batch))?;
        Ok(n)
    }

    /// Reads what is there; no more than a pipe can hold, for a process in the background may write for ever.
    fn drain(&mut self, journal: &mut Writer) -> io::Result<()> {
        let mut seen = 0;
        while seen < PIPE_LEN {
            match self.read(journal)? {
                0 => break,
                n => seen += n,
            }
        }
        let mut rest = Vec::new();
        self.masker.flush(&mut rest);
        self.keep(&rest);
        self.lines.push(&rest, |batch| journal.output(now(), batch))?;
        self.lines.flush(|batch| journal.output(now(), batch))
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.kept.extend_from_slice(bytes);
        if self.kept.len() > 4 * CommandEnd::MAX_LEN {
            self.cut();
        }
    }

    fn cut(&mut self) {
        let too_many = self.kept.len().saturating_sub(CommandEnd::MAX_LEN);
        self.kept.drain(..too_many);
        self.left_out += too_many;
    }

    /// What was kept since the last call.
    fn take(&mut self) -> String {
        self.cut();
        let text = String::from_utf8_lossy(&std::mem::take(&mut self.kept)).into_owned();
        match std::mem::take(&mut self.left_out) {
            0 => text,
            n => format!("[the first {n} bytes are in the log alone]\n{text}"),
        }
    }
}

/// Runs what is ordered until the job is ended; never `Ok`.
pub(super) fn serve(session: &mut Session<'_>, spec: &JobSpec) -> Result<(), Stop> {
    let mut taken = BTreeSet::new();
    loop {
        let orders = session.folder.orders()?;
        if orders.is_empty() {
            session.idle()?;
        }
        for path in orders {
            let order: CommandOrder = serde_json::from_slice(&fs::read(&path)?).map_err(io::Error::other)?;
            fs::remove_file(&path)?;
            // Whoever orders again had not heard that we have it.
            if taken.insert(order.id.clone()) {
                execute(session, spec, &order)?;
            }
        }
        // While a command runs nobody notices that another one is ordered: look again before anything is waited for.
    }
}

fn execute(session: &mut Session<'_>, spec: &JobSpec, order: &CommandOrder) -> Result<(), Stop> {
    // What the commands before have left in the background is theirs.
    end_of_streams(session)?;
    let mut record = CommandRecord { id: order.id.clone(), started: now(), finished: None };
    session.journal.command(record.started, &record)?;
    steps::announce(session, spec, &format!("Running command {}", order.text.expose()))?;
    let line = session.control.script(&spec.shell, &session.inside, order.text.expose())?;
    let ended = steps::run_command(session, &line);
    let exit_status = ended.as_ref().ok().copied();
    let [stdout, stderr] = end_of_streams(session)?;
    let at = now();
    record.finished = Some(CommandEnd { at, exit_status, stdout, stderr });
    if let Some(status) = exit_status.filter(|status| *status != 0) {
        steps::announce(session, spec, &format!("Command did not exit successfully exit status {status}"))?;
    }
    session.journal.command(at, &record)?;
    ended.map(drop)
}

fn end_of_streams(session: &mut Session<'_>) -> io::Result<[String; 2]> {
    let mut texts = [String::new(), String::new()];
    for (stream, text) in session.streams.iter_mut().zip(&mut texts) {
        stream.drain(session.journal)?;
        *text = stream.take();
    }
    Ok(texts)
}

/// Readable ends for `poll`; the same descriptor twice where there are no streams.
pub(super) fn ends<'f>(streams: &'f [Stream], otherwise: &'f OwnedFd) -> [rustix::fd::BorrowedFd<'f>; 2] {
    use std::os::fd::AsFd as _;
    match streams {
        [out, err] => [out.pipe.as_fd(), err.pipe.as_fd()],
        _ => [otherwise.as_fd(), otherwise.as_fd()],
    }
}
