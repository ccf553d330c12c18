//! Reads a streamed body: framing off, hashes and checksums checked.

use std::collections::BTreeMap;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use crc_fast::{CrcAlgorithm, Digest};
use http::request::Parts;

use super::framing::Deframer;
use super::parse::PayloadHash;
use super::{Fault, Verified};

/// What stood in the trailer of a chunked body.
pub type Trailers = BTreeMap<String, String>;

/// Takes a body's bytes as they come and hands on its content.
///
/// The content is handed on before all of it is known to be right: what is made of it must not be kept unless
/// [`BodyReader::finish`] says so.
pub struct BodyReader {
    framing: Option<Deframer>,
    sha256: Option<(String, digest::Context)>,
    checksums: Vec<Checksum>,
    expected_length: Option<u64>,
    length: u64,
}

impl BodyReader {
    pub(super) fn new(parts: &Parts, verified: &Verified) -> Self {
        Self::build(parts, &verified.payload, verified.chunks.clone())
    }

    /// A reader for a request whose signature nobody checks: framing and checksums are treated alike.
    pub fn unverified(parts: &Parts) -> Self {
        let payload = PayloadHash::read(parts).unwrap_or(PayloadHash::Unsigned);
        Self::build(parts, &payload, None)
    }

    fn build(parts: &Parts, payload: &PayloadHash, chunks: Option<super::framing::ChunkSigner>) -> Self {
        let framing = match payload {
            PayloadHash::SignedChunks { trailer } => Some(Deframer::new(chunks, *trailer)),
            PayloadHash::UnsignedChunks => Some(Deframer::new(None, true)),
            PayloadHash::OfBody | PayloadHash::Sha256(_) | PayloadHash::Unsigned => None,
        };
        let sha256 = match payload {
            PayloadHash::Sha256(hex) => Some((hex.clone(), digest::Context::new(&digest::SHA256))),
            _ => None,
        };
        let text = |name: &str| parts.headers.get(name).and_then(|v| v.to_str().ok());
        let trailer = text("x-amz-trailer").unwrap_or_default().to_ascii_lowercase();
        let checksums = Algorithm::ALL.iter().filter_map(|algorithm| {
            let header = algorithm.header();
            let expected = text(header).map(str::to_owned);
            let announced = framing.is_some() && trailer.split(',').any(|t| t.trim() == header);
            (expected.is_some() || announced).then(|| Checksum::new(*algorithm, expected))
        });
        let decoded_length =
            if framing.is_some() { text("x-amz-decoded-content-length") } else { text("content-length") };
        BodyReader {
            checksums: checksums.collect(),
            framing,
            sha256,
            expected_length: decoded_length.and_then(|l| l.parse().ok()),
            length: 0,
        }
    }

    /// The content's length in bytes, where the client announced it.
    pub fn expected_length(&self) -> Option<u64> {
        self.expected_length
    }

    /// Takes the next bytes; `out` gets the content in them, which is never an empty piece.
    pub fn push(&mut self, input: Bytes, mut out: impl FnMut(Bytes)) -> Result<(), Fault> {
        let BodyReader { framing, sha256, checksums, length, expected_length } = self;
        let mut content = |data: Bytes| {
            if data.is_empty() {
                return;
            }
            *length += data.len() as u64;
            checksums.iter_mut().for_each(|c| c.update(&data));
            if let Some((_, hash)) = sha256 {
                hash.update(&data);
            }
            out(data);
        };
        match framing {
            Some(framing) => framing.push(input, &mut content)?,
            None => content(input),
        }
        if expected_length.is_some_and(|expected| *length > expected) {
            return Err(Fault::Incomplete);
        }
        Ok(())
    }

    /// Says whether all of the body was right, once nothing more comes.
    pub fn finish(mut self) -> Result<Trailers, Fault> {
        if let Some(framing) = &mut self.framing {
            framing.finish()?;
        }
        if self.expected_length.is_some_and(|expected| expected != self.length) {
            return Err(Fault::Incomplete);
        }
        if let Some((client, hash)) = self.sha256 {
            let computed = hex::encode(hash.finish());
            if computed != client {
                return Err(Fault::ContentHash { client, computed });
            }
        }
        let trailers: Trailers = self.framing.map(|f| f.trailers.into_iter().collect()).unwrap_or_default();
        for checksum in self.checksums {
            let header = checksum.algorithm.header();
            let name = checksum.algorithm.name();
            let expected = checksum.expected.clone().or_else(|| trailers.get(header).cloned());
            if expected.is_none_or(|expected| expected != checksum.finish()) {
                return Err(Fault::Checksum(name));
            }
        }
        Ok(trailers)
    }
}

#[derive(Clone, Copy)]
enum Algorithm {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha1,
    Sha256,
}

impl Algorithm {
    const ALL: [Algorithm; 5] =
        [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64Nvme, Algorithm::Sha1, Algorithm::Sha256];

    fn header(self) -> &'static str {
        match self {
            Algorithm::Crc32 => "x-amz-checksum-crc32",
            Algorithm::Crc32c => "x-amz-checksum-crc32c",
            Algorithm::Crc64Nvme => "x-amz-checksum-crc64nvme",
            Algorithm::Sha1 => "x-amz-checksum-sha1",
            Algorithm::Sha256 => "x-amz-checksum-sha256",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Algorithm::Crc32 => "CRC32",
            Algorithm::Crc32c => "CRC32C",
            Algorithm::Crc64Nvme => "CRC64NVME",
            Algorithm::Sha1 => "SHA1",
            Algorithm::Sha256 => "SHA256",
        }
    }
}

struct Checksum {
    algorithm: Algorithm,
    /// From a header; a trailer's comes at the end.
    expected: Option<String>,
    state: State,
}

enum State {
    Crc(Box<Digest>),
    Sha(digest::Context),
}

impl Checksum {
    fn new(algorithm: Algorithm, expected: Option<String>) -> Self {
        let state = match algorithm {
            Algorithm::Crc32 => State::Crc(Box::new(Digest::new(CrcAlgorithm::Crc32IsoHdlc))),
            Algorithm::Crc32c => State::Crc(Box::new(Digest::new(CrcAlgorithm::Crc32Iscsi))),
            Algorithm::Crc64Nvme => State::Crc(Box::new(Digest::new(CrcAlgorithm::Crc64Nvme))),
            Algorithm::Sha1 => State::Sha(digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY)),
            Algorithm::Sha256 => State::Sha(digest::Context::new(&digest::SHA256)),
        };
        Checksum { algorithm, expected, state }
    }

    fn update(&mut self, data: &[u8]) {
        match &mut self.state {
            State::Crc(digest) => digest.update(data),
            State::Sha(context) => context.update(data),
        }
    }

    fn finish(self) -> String {
        match self.state {
            State::Crc(digest) => match self.algorithm {
                Algorithm::Crc64Nvme => STANDARD.encode(digest.finalize().to_be_bytes()),
                _ => STANDARD.encode((digest.finalize() as u32).to_be_bytes()),
            },
            State::Sha(context) => STANDARD.encode(context.finish()),
        }
    }
}
