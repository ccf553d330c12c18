//! The `Range` header.

use base::ApiError;

use super::errors;

/// A piece of an object, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) offset: u64,
    pub(super) len: u64,
}

impl Span {
    pub(super) fn whole(size: u64) -> Self {
        Span { offset: 0, len: size }
    }

    /// `bytes 0-9/100`.
    pub(super) fn content_range(self, size: u64) -> String {
        format!("bytes {}-{}/{size}", self.offset, (self.offset + self.len).saturating_sub(1))
    }
}

/// The span that a `Range` header asks for. Several ranges, other units and nonsense give `None`, the whole object,
/// as AWS answers them; a range outside the object is refused.
pub(super) fn parse(header: &str, size: u64) -> Result<Option<Span>, ApiError> {
    let Some((first, last)) = header.trim().strip_prefix("bytes=").and_then(|r| r.split_once('-')) else {
        return Ok(None);
    };
    let (first, last) = (first.trim(), last.trim());
    let number = |t: &str| t.bytes().all(|b| b.is_ascii_digit()).then(|| t.parse::<u64>().unwrap_or(u64::MAX));
    let span = match (first.is_empty(), last.is_empty()) {
        (true, true) => return Ok(None),
        (true, false) => {
            let Some(suffix) = number(last) else { return Ok(None) };
            let len = suffix.min(size);
            (len > 0).then_some(Span { offset: size - len, len })
        }
        (false, open) => {
            let (Some(first), Some(last)) = (number(first), if open { Some(u64::MAX) } else { number(last) }) else {
                return Ok(None);
            };
            if last < first {
                return Ok(None);
            }
            (first < size).then(|| Span { offset: first, len: last.min(size - 1) - first + 1 })
        }
    };
    span.map(Some).ok_or_else(|| {
        errors::simple("InvalidRange", 416, "The requested range is not satisfiable")
            .with_member("RangeRequested", header)
            .with_member("ActualObjectSize", size)
            .with_member("ContentRange", format!("bytes */{size}"))
    })
}

/// The stricter form of `x-amz-copy-source-range`: `bytes=first-last`, inside the object.
pub(super) fn parse_copy(header: &str, size: u64) -> Result<Span, ApiError> {
    let bounds = header.strip_prefix("bytes=").and_then(|r| r.split_once('-'));
    let bounds = bounds.and_then(|(a, b)| Some((a.parse::<u64>().ok()?, b.parse::<u64>().ok()?)));
    let Some((first, last)) = bounds.filter(|(a, b)| a <= b) else {
        let message = "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are \
                       the zero-based offsets of the first and last bytes to copy";
        return Err(errors::invalid_argument("x-amz-copy-source-range", header, message));
    };
    if last >= size {
        let message = format!("Range specified is not valid for source object of size: {size}");
        return Err(errors::invalid_argument("x-amz-copy-source-range", header, message));
    }
    Ok(Span { offset: first, len: last - first + 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_s3_reads_them() {
        let ok = |header: &str, size| parse(header, size).map_err(|e| e.code);
        let span = |offset, len| Ok(Some(Span { offset, len }));
        assert_eq!(ok("bytes=0-4", 10), span(0, 5));
        assert_eq!(ok("bytes=5-", 10), span(5, 5));
        assert_eq!(ok("bytes=-3", 10), span(7, 3));
        assert_eq!(ok("bytes=-30", 10), span(0, 10));
        assert_eq!(ok("bytes=8-99999999999999999999999", 10), span(8, 2));
        for whole in ["bytes=0-1,4-5", "items=0-1", "bytes=a-b", "bytes=5-2", "bytes=-", "bytes", ""] {
            assert_eq!(ok(whole, 10), Ok(None), "{whole}");
        }
        for (outside, size) in
            [("bytes=10-", 10), ("bytes=10-12", 10), ("bytes=-0", 10), ("bytes=0-0", 0), ("bytes=-5", 0)]
        {
            assert_eq!(ok(outside, size), Err("InvalidRange"), "{outside}");
        }
    }

    #[test]
    fn a_copied_range_lies_inside_the_source() {
        assert_eq!(parse_copy("bytes=2-9", 10).map_err(|e| e.code), Ok(Span { offset: 2, len: 8 }));
        for bad in ["bytes=2-10", "bytes=-3", "bytes=3-", "bytes=5-2", "2-3"] {
            assert_eq!(parse_copy(bad, 10).map_err(|e| e.code), Err("InvalidArgument"), "{bad}");
        }
    }
}
