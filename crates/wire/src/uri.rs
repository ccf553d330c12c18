//! Percent-encoding and query strings.

use base::ApiError;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// All but the unreserved characters of RFC 3986.
const STRICT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const PATH: &AsciiSet = &STRICT.remove(b'/');

/// Encodes everything but unreserved characters, as SigV4 and S3's `EncodingType=url` want it.
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, STRICT).to_string()
}

/// As [`encode`], but keeps slashes.
pub fn encode_path(text: &str) -> String {
    utf8_percent_encode(text, PATH).to_string()
}

/// Appends the strict encoding of raw bytes.
pub(crate) fn push_encoded(out: &mut String, bytes: &[u8], keep_slash: bool) {
    let set = if keep_slash { PATH } else { STRICT };
    out.extend(percent_encoding::percent_encode(bytes, set));
}

/// Decodes `%XX`; the result must be UTF-8.
pub(crate) fn decode(text: &str) -> Option<String> {
    if !text.contains('%') {
        return Some(text.to_owned());
    }
    percent_encoding::percent_decode_str(text).decode_utf8().ok().map(|c| c.into_owned())
}

/// Decodes `%XX` to bytes.
pub(crate) fn decode_bytes(text: &str) -> Vec<u8> {
    percent_encoding::percent_decode_str(text).collect()
}

/// The pairs of a query string or form, decoded; `+` is a space.
pub(crate) fn pairs(text: &str) -> Result<Vec<(String, String)>, ApiError> {
    text.split('&').filter(|p| !p.is_empty()).map(pair).collect()
}

fn pair(text: &str) -> Result<(String, String), ApiError> {
    let (key, value) = text.split_once('=').unwrap_or((text, ""));
    let one = |part: &str| {
        let decoded = if part.contains('+') { decode(&part.replace('+', " ")) } else { decode(part) };
        decoded.ok_or_else(|| {
            ApiError::new("MalformedQueryString", "The query string contains text that is not UTF-8.").with_status(400)
        })
    };
    Ok((one(key)?, one(value)?))
}
