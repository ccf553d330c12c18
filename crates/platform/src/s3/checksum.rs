//! Checksums that a client sends, asks for or gets back ("Checking object integrity" in the S3 user guide).

use base::ApiError;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use store::objects::{ChecksumAlgorithm, Checksums};

use super::errors;
use super::shape::ChecksumMembers;

impl ChecksumMembers {
    fn slot(&mut self, algorithm: ChecksumAlgorithm) -> &mut Option<String> {
        match algorithm {
            ChecksumAlgorithm::Crc32 => &mut self.crc32,
            ChecksumAlgorithm::Crc32c => &mut self.crc32c,
            ChecksumAlgorithm::Crc64Nvme => &mut self.crc64nvme,
            ChecksumAlgorithm::Sha1 => &mut self.sha1,
            ChecksumAlgorithm::Sha256 => &mut self.sha256,
            ChecksumAlgorithm::Sha512 => &mut self.sha512,
        }
    }

    /// One checksum alone.
    pub(super) fn of(algorithm: Option<&str>, value: Option<&str>) -> Self {
        let mut members = ChecksumMembers::default();
        if let (Some(algorithm), Some(value)) = (algorithm.and_then(ChecksumAlgorithm::parse), value) {
            *members.slot(algorithm) = Some(value.to_owned());
        }
        members
    }

    /// The checksum that was sent; more than one is refused, as AWS does.
    pub(super) fn single(&self) -> Result<Option<(ChecksumAlgorithm, String)>, ApiError> {
        let mut copy = self.clone();
        let mut found = ChecksumAlgorithm::ALL.into_iter().filter_map(|a| copy.slot(a).take().map(|v| (a, v)));
        let first = found.next();
        if found.next().is_some() {
            return Err(errors::invalid_request(
                "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
            ));
        }
        Ok(first)
    }
}

/// What a body must turn out to be.
#[derive(Clone, Debug, Default)]
pub(super) struct Promise {
    pub(super) algorithm: Option<ChecksumAlgorithm>,
    value: Option<Vec<u8>>,
    md5: Option<Vec<u8>>,
}

impl Promise {
    /// From the request's members; `asked` is `x-amz-sdk-checksum-algorithm`.
    pub(super) fn new(members: &ChecksumMembers, asked: Option<&str>, md5: Option<&str>) -> Result<Self, ApiError> {
        let md5 = md5.map(|text| {
            let bytes = STANDARD.decode(text).ok().filter(|b| b.len() == 16);
            bytes.ok_or_else(|| {
                errors::simple("InvalidDigest", 400, "The Content-MD5 you specified was invalid.")
                    .with_member("Content-MD5", text)
            })
        });
        let md5 = md5.transpose()?;
        let asked = asked.map(parse).transpose()?;
        let Some((algorithm, text)) = members.single()? else {
            return Ok(Promise { algorithm: asked, value: None, md5 });
        };
        if asked.is_some_and(|a| a != algorithm) {
            let message = "Value for x-amz-sdk-checksum-algorithm header is invalid.";
            return Err(errors::invalid_request(message));
        }
        Ok(Promise { algorithm: Some(algorithm), value: Some(decode(algorithm, &text)?), md5 })
    }

    /// Nothing is promised; `algorithm` is to be computed.
    pub(super) fn computing(algorithm: Option<ChecksumAlgorithm>) -> Self {
        Promise { algorithm, ..Promise::default() }
    }

    /// Takes a checksum that came after the body.
    pub(super) fn take_trailers(&mut self, trailers: &[(String, String)]) -> Result<(), ApiError> {
        for (name, value) in trailers {
            let Some(algorithm) = name.strip_prefix("x-amz-checksum-").and_then(ChecksumAlgorithm::parse) else {
                continue;
            };
            if self.algorithm == Some(algorithm) {
                self.value = Some(decode(algorithm, value)?);
            }
        }
        Ok(())
    }

    /// Says also what the trailer will be, so that it is computed on the way.
    pub(super) fn expect_trailers(&mut self, names: &[String]) {
        let named = names.iter().find_map(|n| n.strip_prefix("x-amz-checksum-").and_then(ChecksumAlgorithm::parse));
        if self.algorithm.is_none() {
            self.algorithm = named;
        }
    }

    /// Compares with what arrived.
    pub(super) fn check(&self, sums: &Checksums) -> Result<(), ApiError> {
        if self.md5.as_deref().is_some_and(|m| m != sums.md5) {
            return Err(errors::bad_digest("Content-MD5"));
        }
        match (self.algorithm, &self.value) {
            (Some(algorithm), Some(value)) if sums.get(algorithm) != Some(value.as_slice()) => {
                Err(errors::bad_digest(algorithm.as_str()))
            }
            _ => Ok(()),
        }
    }
}

/// An algorithm by S3's name; what S3 knows and we do not is refused by name.
pub(super) fn parse(text: &str) -> Result<ChecksumAlgorithm, ApiError> {
    ChecksumAlgorithm::parse(text).ok_or_else(|| errors::not_implemented(&format!("The checksum algorithm {text}")))
}

fn decode(algorithm: ChecksumAlgorithm, text: &str) -> Result<Vec<u8>, ApiError> {
    let bytes = STANDARD.decode(text).ok().filter(|b| b.len() == algorithm.len_bytes());
    bytes.ok_or_else(|| {
        let name = algorithm.as_str().to_ascii_lowercase();
        errors::invalid_request(format!("Value for x-amz-checksum-{name} header is invalid."))
    })
}

/// Base64, as S3 writes checksums.
pub(super) fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The checksum of a whole multipart object from those of its parts (base64, with the parts' sizes).
pub(super) fn full_object(algorithm: ChecksumAlgorithm, parts: &[(String, u64)]) -> Option<String> {
    let mut whole: Option<Vec<u8>> = None;
    for (text, size) in parts {
        let part = STANDARD.decode(text).ok()?;
        whole = Some(match whole {
            None => part,
            Some(before) => algorithm.combine(&before, &part, *size)?,
        });
    }
    whole.map(|w| encode(&w))
}

/// The checksum of the parts' checksums, with `-N`.
pub(super) fn composite(algorithm: ChecksumAlgorithm, parts: &[(String, u64)]) -> Option<String> {
    let mut all = Vec::new();
    for (text, _) in parts {
        all.extend(STANDARD.decode(text).ok()?);
    }
    Some(format!("{}-{}", encode(&algorithm.digest(&all)), parts.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::objects::Hasher;

    fn sums(data: &[u8]) -> Checksums {
        let mut hasher = Hasher::new(&[ChecksumAlgorithm::Crc32]);
        hasher.update(data);
        hasher.finish()
    }

    #[test]
    fn a_wrong_checksum_is_a_bad_digest_and_a_malformed_one_an_invalid_request() {
        let with = |v: &str| {
            let members = ChecksumMembers { crc32: Some(v.to_owned()), ..Default::default() };
            Promise::new(&members, Some("CRC32"), None)
        };
        let right = encode(&ChecksumAlgorithm::Crc32.digest(b"abc"));
        assert!(with(&right).unwrap().check(&sums(b"abc")).is_ok());
        let wrong = with(&right).unwrap().check(&sums(b"abd")).unwrap_err();
        assert_eq!(wrong.message, "The CRC32 you specified did not match the calculated checksum.");
        assert_eq!(with("???").map(|_| ()).unwrap_err().message, "Value for x-amz-checksum-crc32 header is invalid.");
    }

    #[test]
    fn a_checksum_in_the_trailer_counts() {
        let mut promise = Promise::new(&ChecksumMembers::default(), None, None).unwrap();
        promise.expect_trailers(&["x-amz-checksum-crc32".to_owned()]);
        let right = encode(&ChecksumAlgorithm::Crc32.digest(b"abc"));
        promise.take_trailers(&[("x-amz-checksum-crc32".to_owned(), right)]).unwrap();
        assert!(promise.check(&sums(b"abc")).is_ok());
        assert_eq!(promise.check(&sums(b"x")).unwrap_err().code, "BadDigest");
    }
}
