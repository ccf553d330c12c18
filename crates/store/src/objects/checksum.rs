//! Digests of content, computed while it passes.

use aws_lc_rs::digest;
use crc_fast::CrcAlgorithm;
use md5::{Digest as _, Md5};

/// The algorithms that S3 lets a client choose from and that we compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChecksumAlgorithm {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha1,
    Sha256,
    Sha512,
}

impl ChecksumAlgorithm {
    /// All of them.
    pub const ALL: [ChecksumAlgorithm; 6] = [
        ChecksumAlgorithm::Crc32,
        ChecksumAlgorithm::Crc32c,
        ChecksumAlgorithm::Crc64Nvme,
        ChecksumAlgorithm::Sha1,
        ChecksumAlgorithm::Sha256,
        ChecksumAlgorithm::Sha512,
    ];

    /// S3's spelling: `CRC32`, `CRC64NVME`, ...
    pub fn as_str(self) -> &'static str {
        match self {
            ChecksumAlgorithm::Crc32 => "CRC32",
            ChecksumAlgorithm::Crc32c => "CRC32C",
            ChecksumAlgorithm::Crc64Nvme => "CRC64NVME",
            ChecksumAlgorithm::Sha1 => "SHA1",
            ChecksumAlgorithm::Sha256 => "SHA256",
            ChecksumAlgorithm::Sha512 => "SHA512",
        }
    }

    /// From S3's spelling, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|a| a.as_str().eq_ignore_ascii_case(text))
    }

    /// The checksum's length in bytes.
    pub fn len_bytes(self) -> usize {
        match self {
            ChecksumAlgorithm::Crc32 | ChecksumAlgorithm::Crc32c => 4,
            ChecksumAlgorithm::Crc64Nvme => 8,
            ChecksumAlgorithm::Sha1 => 20,
            ChecksumAlgorithm::Sha256 => 32,
            ChecksumAlgorithm::Sha512 => 64,
        }
    }

    fn crc(self) -> Option<CrcAlgorithm> {
        match self {
            ChecksumAlgorithm::Crc32 => Some(CrcAlgorithm::Crc32IsoHdlc),
            ChecksumAlgorithm::Crc32c => Some(CrcAlgorithm::Crc32Iscsi),
            ChecksumAlgorithm::Crc64Nvme => Some(CrcAlgorithm::Crc64Nvme),
            ChecksumAlgorithm::Sha1 | ChecksumAlgorithm::Sha256 | ChecksumAlgorithm::Sha512 => None,
        }
    }

    /// The checksum of two contents one after the other, from theirs; `None` for what cannot be combined (SHA).
    pub fn combine(self, first: &[u8], second: &[u8], second_len_bytes: u64) -> Option<Vec<u8>> {
        let crc = self.crc()?;
        let joined = crc_fast::checksum_combine(crc, number(first)?, number(second)?, second_len_bytes);
        Some(crc_bytes(joined, self.len_bytes()))
    }

    /// The checksum of `data`.
    pub fn digest(self, data: &[u8]) -> Vec<u8> {
        let mut running = Running::new(self);
        running.update(data);
        running.finish()
    }
}

fn number(bytes: &[u8]) -> Option<u64> {
    (bytes.len() <= 8).then(|| bytes.iter().fold(0, |n, b| (n << 8) | u64::from(*b)))
}

fn crc_bytes(value: u64, len: usize) -> Vec<u8> {
    value.to_be_bytes().into_iter().skip(8 - len.min(8)).collect()
}

enum Running {
    Crc(ChecksumAlgorithm, Box<crc_fast::Digest>),
    Sha(digest::Context),
}

impl Running {
    fn new(algorithm: ChecksumAlgorithm) -> Self {
        let sha = match algorithm {
            ChecksumAlgorithm::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            ChecksumAlgorithm::Sha512 => &digest::SHA512,
            _ => &digest::SHA256,
        };
        match algorithm.crc() {
            Some(crc) => Running::Crc(algorithm, Box::new(crc_fast::Digest::new(crc))),
            None => Running::Sha(digest::Context::new(sha)),
        }
    }

    fn update(&mut self, data: &[u8]) {
        match self {
            Running::Crc(_, d) => d.update(data),
            Running::Sha(d) => d.update(data),
        }
    }

    fn finish(self) -> Vec<u8> {
        match self {
            Running::Crc(algorithm, d) => crc_bytes(d.finalize(), algorithm.len_bytes()),
            Running::Sha(d) => d.finish().as_ref().to_vec(),
        }
    }
}

/// Computes MD5 (S3's ETag) and the checksums that were asked for, nothing else.
pub struct Hasher {
    md5: Md5,
    others: Vec<(ChecksumAlgorithm, Running)>,
    size: u64,
}

/// What a `Hasher` found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checksums {
    pub size: u64,
    pub md5: [u8; 16],
    others: Vec<(ChecksumAlgorithm, Vec<u8>)>,
}

impl Hasher {
    /// MD5 and `wanted`.
    pub fn new(wanted: &[ChecksumAlgorithm]) -> Self {
        let others = wanted.iter().map(|a| (*a, Running::new(*a))).collect();
        Hasher { md5: Md5::new(), others, size: 0 }
    }

    /// Takes the next bytes.
    pub fn update(&mut self, data: &[u8]) {
        self.size += data.len() as u64;
        self.md5.update(data);
        for (_, running) in &mut self.others {
            running.update(data);
        }
    }

    /// The digests of all bytes taken.
    pub fn finish(self) -> Checksums {
        let others = self.others.into_iter().map(|(a, r)| (a, r.finish())).collect();
        Checksums { size: self.size, md5: self.md5.finalize().into(), others }
    }
}

impl Checksums {
    /// MD5 as 32 hexadecimal digits, an ETag without its quotes.
    pub fn md5_hex(&self) -> String {
        hex::encode(self.md5)
    }

    /// The checksum by `algorithm`, when it was asked for.
    pub fn get(&self, algorithm: ChecksumAlgorithm) -> Option<&[u8]> {
        self.others.iter().find(|(a, _)| *a == algorithm).map(|(_, v)| v.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    #[test]
    fn known_content_has_its_published_checksums() {
        let mut hasher = Hasher::new(&ChecksumAlgorithm::ALL);
        hasher.update(b"1234");
        hasher.update(b"56789");
        let sums = hasher.finish();
        assert_eq!(sums.md5_hex(), "25f9e794323b453885f5181f1b624d0b");
        assert_eq!(sums.size, 9);
        let text = |a| STANDARD.encode(sums.get(a).unwrap_or_default());
        assert_eq!(text(ChecksumAlgorithm::Crc32), STANDARD.encode(0xCBF4_3926_u32.to_be_bytes()));
        assert_eq!(text(ChecksumAlgorithm::Crc32c), STANDARD.encode(0xE306_9283_u32.to_be_bytes()));
        assert_eq!(text(ChecksumAlgorithm::Crc64Nvme), STANDARD.encode(0xAE8B_1486_0A79_9888_u64.to_be_bytes()));
        assert_eq!(hex::encode(sums.get(ChecksumAlgorithm::Sha1).unwrap()), "f7c3bc1d808e04732adf679965ccc34ca7ae3441");
        assert_eq!(sums.get(ChecksumAlgorithm::Sha256).map(<[u8]>::len), Some(32));
        assert_eq!(sums.get(ChecksumAlgorithm::Sha512).map(<[u8]>::len), Some(64));
    }

    #[test]
    fn crcs_of_parts_combine_to_the_crc_of_the_whole_and_sha_does_not() {
        let (a, b) = (vec![7_u8; 70_001], vec![9_u8; 12_345]);
        let whole = [a.clone(), b.clone()].concat();
        for algorithm in ChecksumAlgorithm::ALL {
            let joined = algorithm.combine(&algorithm.digest(&a), &algorithm.digest(&b), b.len() as u64);
            match algorithm.crc() {
                Some(_) => assert_eq!(joined, Some(algorithm.digest(&whole)), "{algorithm:?}"),
                None => assert_eq!(joined, None),
            }
        }
    }

    #[test]
    fn what_nobody_asked_for_is_not_computed() {
        let sums = Hasher::new(&[ChecksumAlgorithm::Crc32]).finish();
        assert!(sums.get(ChecksumAlgorithm::Crc32).is_some());
        assert!(sums.get(ChecksumAlgorithm::Sha256).is_none());
    }
}
