//! The journal of a job: what it wrote and did, as records in an append-only file.
//!
//! A record is a head of 13 bytes (kind, length of the body, microseconds since 1970; little-endian) and its body. A
//! position is the offset behind a record. A torn record at the end (crash while writing) is as good as absent.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;

use base::{CommandRecord, StepRecord, Timestamp};

use crate::{JobReport, Position};

const HEAD_LEN: usize = 13;
/// More than any record has; a larger length is corruption.
const MAX_BODY_LEN: usize = 16 << 20;
/// How much is read at once.
const READ_LEN: usize = 256 << 10;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Begun = 1,
    Output = 2,
    Step = 3,
    Command = 4,
}

/// The writing end; there is one, the shim's.
pub(crate) struct Writer {
    file: File,
    buffer: Vec<u8>,
}

impl Writer {
    /// Writes to a file that was opened for appending.
    pub fn new(file: File) -> Self {
        Writer { file, buffer: Vec::new() }
    }

    /// The first record: from here on the job counts as run. Not durable before [`Writer::sync`].
    pub fn begun(&mut self, time: Timestamp) -> io::Result<()> {
        self.record(Kind::Begun, time, b"")
    }

    pub fn output(&mut self, time: Timestamp, text: &[u8]) -> io::Result<()> {
        self.record(Kind::Output, time, text)
    }

    pub fn step(&mut self, time: Timestamp, record: &StepRecord) -> io::Result<()> {
        let body = serde_json::to_vec(record)?;
        self.record(Kind::Step, time, &body)
    }

    pub fn command(&mut self, time: Timestamp, record: &CommandRecord) -> io::Result<()> {
        let body = serde_json::to_vec(record)?;
        self.record(Kind::Command, time, &body)
    }

    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// One `write` a record, so that a reader rarely sees half of one.
    fn record(&mut self, kind: Kind, time: Timestamp, body: &[u8]) -> io::Result<()> {
        let len = u32::try_from(body.len()).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
        self.buffer.clear();
        self.buffer.push(kind as u8);
        self.buffer.extend_from_slice(&len.to_le_bytes());
        self.buffer.extend_from_slice(&time.micros().to_le_bytes());
        self.buffer.extend_from_slice(body);
        self.file.write_all(&self.buffer)
    }
}

/// The whole records from `from` on that one read finds, and where to go on. An empty answer with the same position: there
/// is no further whole record now.
pub(crate) fn read(journal: &File, from: Position) -> io::Result<(Vec<JobReport>, Position)> {
    // Most looks find a few lines, if any: they need no buffer of the full length.
    let there = usize::try_from(journal.metadata()?.len().saturating_sub(from.0)).unwrap_or(READ_LEN);
    let mut want = READ_LEN.min(there);
    loop {
        let mut buffer = vec![0; want];
        let mut filled = 0;
        while filled < want {
            let Some(rest) = buffer.get_mut(filled..) else { break };
            match journal.read_at(rest, from.0 + filled as u64)? {
                0 => break,
                n => filled += n,
            }
        }
        buffer.truncate(filled);
        let (reports, next, needed) = parse(&buffer, from)?;
        if next == from && filled == want && needed > want {
            want = needed;
            continue;
        }
        return Ok((reports, next));
    }
}

/// Parses whole records; the last value is how long the first torn record is with its head.
fn parse(mut bytes: &[u8], from: Position) -> io::Result<(Vec<JobReport>, Position, usize)> {
    let mut reports = Vec::new();
    let mut position = from.0;
    loop {
        let Some((head, rest)) = bytes.split_at_checked(HEAD_LEN) else {
            return Ok((reports, Position(position), HEAD_LEN));
        };
        let [kind, l0, l1, l2, l3, time @ ..] = head else {
            return Err(corrupt(position, "a head is short"));
        };
        let len = u32::from_le_bytes([*l0, *l1, *l2, *l3]) as usize;
        let time = Timestamp::from_micros(time.try_into().map(i64::from_le_bytes).unwrap_or_default());
        if len > MAX_BODY_LEN {
            return Err(corrupt(position, "a record is too long"));
        }
        let Some((body, rest)) = rest.split_at_checked(len) else {
            return Ok((reports, Position(position), HEAD_LEN + len));
        };
        bytes = rest;
        position += (HEAD_LEN + len) as u64;
        let here = Position(position);
        if *kind == Kind::Output as u8 {
            let text = String::from_utf8_lossy(body).into_owned();
            reports.push(JobReport::Output { position: here, time, text });
        } else if *kind == Kind::Step as u8 {
            reports.push(JobReport::Step { position: here, record: serde_json::from_slice(body)? });
        } else if *kind == Kind::Command as u8 {
            reports.push(JobReport::Command { position: here, record: serde_json::from_slice(body)? });
        } else if *kind != Kind::Begun as u8 {
            return Err(corrupt(position, "a record's kind is not known"));
        }
    }
}

fn corrupt(position: u64, what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the journal is corrupt before byte {position}: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal(dir: &tempfile::TempDir) -> (Writer, File) {
        let path = dir.path().join("journal");
        let file = File::options().append(true).create(true).open(&path).unwrap();
        (Writer::new(file), File::open(&path).unwrap())
    }

    #[test]
    fn what_is_written_is_read_back_from_any_position() {
        let dir = tempfile::tempdir().unwrap();
        let (mut writer, file) = journal(&dir);
        let time = Timestamp::from_micros(7);
        writer.begun(time).unwrap();
        writer.output(time, b"one\n").unwrap();
        let record = StepRecord { name: "BUILD".into(), started: time, finished: None };
        writer.step(time, &record).unwrap();
        let (all, end) = read(&file, Position::START).unwrap();
        let [JobReport::Output { position, text, .. }, JobReport::Step { record: read_back, .. }] = &all[..] else {
            panic!("{all:?}");
        };
        assert_eq!((text.as_str(), read_back), ("one\n", &record));
        let (rest, end_again) = read(&file, *position).unwrap();
        assert_eq!((rest.len(), end_again), (1, end));
        assert_eq!(read(&file, end).unwrap(), (vec![], end));
    }

    #[test]
    fn a_torn_record_is_absent() {
        let dir = tempfile::tempdir().unwrap();
        let (mut writer, file) = journal(&dir);
        writer.output(Timestamp::EPOCH, b"whole\n").unwrap();
        let (_, end) = read(&file, Position::START).unwrap();
        writer.output(Timestamp::EPOCH, b"torn\n").unwrap();
        writer.file.set_len(end.0 + 15).unwrap();
        let (reports, next) = read(&file, Position::START).unwrap();
        assert_eq!((reports.len(), next), (1, end));
    }

    #[test]
    fn a_record_larger_than_one_read_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let (mut writer, file) = journal(&dir);
        writer.output(Timestamp::EPOCH, &vec![b'x'; READ_LEN * 3]).unwrap();
        let (reports, _) = read(&file, Position::START).unwrap();
        assert!(matches!(&reports[..], [JobReport::Output { text, .. }] if text.len() == READ_LEN * 3));
    }
}
