//! The aws-chunked framing, taken off piece by piece.

use aws_lc_rs::digest;
use bytes::{Buf as _, Bytes, BytesMut};

use super::key::{SigningKey, sha256_hex};
use super::{EMPTY_SHA256, Fault};

/// A chunk's head or a trailer's line is never longer, in bytes.
const MAX_LINE_BYTES: usize = 8 << 10;
/// Nor are all trailers together.
const MAX_TRAILER_LINES: usize = 32;

/// Checks the chain of chunk signatures.
#[derive(Clone)]
pub(super) struct ChunkSigner {
    key: SigningKey,
    amz_date: String,
    scope: String,
    previous: String,
}

impl ChunkSigner {
    pub(super) fn new(key: SigningKey, amz_date: String, scope: String, seed: String) -> Self {
        ChunkSigner { key, amz_date, scope, previous: seed }
    }

    fn check(&mut self, kind: &str, hashes: &str, signature: &str) -> Result<(), Fault> {
        let text = format!("{kind}\n{}\n{}\n{}\n{hashes}", self.amz_date, self.scope, self.previous);
        if !self.key.verify(&text, signature) {
            return Err(Fault::ChunkSignature);
        }
        signature.clone_into(&mut self.previous);
        Ok(())
    }
}

enum State {
    /// `1000;chunk-signature=...\r\n`.
    Head,
    Data {
        left: u64,
    },
    /// The line end after a chunk's data.
    AfterData,
    /// Lines after the last chunk.
    Trailer,
    Done,
}

/// Takes the framing off.
pub(super) struct Deframer {
    state: State,
    buffer: BytesMut,
    signer: Option<ChunkSigner>,
    /// The signature that the chunk being read claims, and its hash so far.
    signature: String,
    hash: digest::Context,
    pub(super) trailers: Vec<(String, String)>,
    trailer_signed: bool,
    expects_trailer_signature: bool,
}

impl Deframer {
    pub(super) fn new(signer: Option<ChunkSigner>, trailer: bool) -> Self {
        let expects_trailer_signature = trailer && signer.is_some();
        Deframer {
            state: State::Head,
            buffer: BytesMut::new(),
            signer,
            signature: String::new(),
            hash: digest::Context::new(&digest::SHA256),
            trailers: Vec::new(),
            trailer_signed: false,
            expects_trailer_signature,
        }
    }

    /// Takes bytes as they come and hands on the content in them.
    pub(super) fn push(&mut self, mut input: Bytes, out: &mut impl FnMut(Bytes)) -> Result<(), Fault> {
        while !input.is_empty() {
            match &mut self.state {
                State::Data { left } => {
                    let n = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
                    let data = input.split_to(n);
                    *left -= n as u64;
                    let finished = *left == 0;
                    if self.signer.is_some() {
                        self.hash.update(&data);
                    }
                    out(data);
                    if finished {
                        self.end_chunk()?;
                        self.state = State::AfterData;
                    }
                }
                State::Done => return Err(Fault::BadFraming("there is data after its end")),
                State::Head | State::AfterData | State::Trailer => {
                    let Some(line) = self.line(&mut input)? else { return Ok(()) };
                    self.take_line(&line)?;
                }
            }
        }
        Ok(())
    }

    /// The next whole line without its end, once it is there.
    fn line(&mut self, input: &mut Bytes) -> Result<Option<String>, Fault> {
        let end = input.iter().position(|b| *b == b'\n');
        let taken = input.split_to(end.unwrap_or(input.len()));
        self.buffer.extend_from_slice(&taken);
        if self.buffer.len() > MAX_LINE_BYTES {
            return Err(Fault::BadFraming("a line is too long"));
        }
        if end.is_none() {
            return Ok(None);
        }
        input.advance(1);
        let line = self.buffer.split();
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        String::from_utf8(line.to_vec()).map(Some).map_err(|_| Fault::BadFraming("a line is not text"))
    }

    fn take_line(&mut self, line: &str) -> Result<(), Fault> {
        match self.state {
            State::Head => self.head(line),
            State::AfterData if line.is_empty() => {
                self.state = State::Head;
                Ok(())
            }
            State::AfterData => Err(Fault::BadFraming("a chunk is longer than its size says")),
            State::Trailer if line.is_empty() => self.end(),
            State::Trailer => self.trailer(line),
            State::Data { .. } | State::Done => Ok(()),
        }
    }

    fn head(&mut self, line: &str) -> Result<(), Fault> {
        let (size, extensions) = line.split_once(';').unwrap_or((line, ""));
        let size = size.trim();
        if size.is_empty() || size.len() > 16 || !size.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(Fault::BadFraming("a chunk's size is not a number"));
        }
        let size = u64::from_str_radix(size, 16).map_err(|_| Fault::BadFraming("a chunk's size is not a number"))?;
        if self.signer.is_some() {
            let signature = extensions.split(';').find_map(|e| e.trim().strip_prefix("chunk-signature="));
            signature.ok_or(Fault::ChunkSignature)?.clone_into(&mut self.signature);
        }
        if size == 0 {
            self.end_chunk()?;
            self.state = State::Trailer;
        } else {
            self.state = State::Data { left: size };
        }
        Ok(())
    }

    fn end_chunk(&mut self) -> Result<(), Fault> {
        let Some(signer) = &mut self.signer else { return Ok(()) };
        let hash = std::mem::replace(&mut self.hash, digest::Context::new(&digest::SHA256)).finish();
        let hashes = format!("{EMPTY_SHA256}\n{}", hex::encode(hash));
        signer.check("AWS4-HMAC-SHA256-PAYLOAD", &hashes, &self.signature)
    }

    fn trailer(&mut self, line: &str) -> Result<(), Fault> {
        let (name, value) = line.split_once(':').ok_or(Fault::BadFraming("a trailer has no name"))?;
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
        if name == "x-amz-trailer-signature" {
            let text: String = self.trailers.iter().map(|(k, v)| format!("{k}:{v}\n")).collect();
            if let Some(signer) = &mut self.signer {
                signer.check("AWS4-HMAC-SHA256-TRAILER", &sha256_hex(text.as_bytes()), value)?;
            }
            self.trailer_signed = true;
            return Ok(());
        }
        if self.trailers.len() >= MAX_TRAILER_LINES || self.trailer_signed {
            return Err(Fault::BadFraming("there are too many trailers"));
        }
        self.trailers.push((name, value.to_owned()));
        Ok(())
    }

    fn end(&mut self) -> Result<(), Fault> {
        if self.expects_trailer_signature && !self.trailer_signed {
            return Err(Fault::ChunkSignature);
        }
        self.state = State::Done;
        Ok(())
    }

    /// Nothing more will come.
    pub(super) fn finish(&mut self) -> Result<(), Fault> {
        match self.state {
            State::Done => Ok(()),
            // Some clients leave out the last empty line.
            State::Trailer if self.buffer.is_empty() => self.end(),
            _ => Err(Fault::Incomplete),
        }
    }
}
