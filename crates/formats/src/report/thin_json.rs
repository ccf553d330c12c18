//! JSON with its long strings cut, while it is read: screenshots and outputs are not what a report is about.

use std::io::{self, BufRead, Read};

use super::error::TooLarge;

/// So much of each string is passed on, in bytes.
const KEPT: usize = 32 << 10;
/// No string may be longer as it is passed on: one of escapes alone cannot be cut.
const MAX_STRING: usize = 4 << 20;
/// The length of `\u0000`, whose digits are plain characters.
const ESCAPE: usize = 6;
/// So much is looked at in one go.
const PIECE: usize = 64 << 10;
/// Arrays and objects that nest deeper are refused.
const MAX_DEPTH: u32 = 100;

/// The filter.
pub(super) struct ThinJson<'a> {
    inner: &'a mut dyn BufRead,
    in_string: bool,
    escaped: bool,
    cutting: bool,
    kept: usize,
    /// Bytes since the last backslash.
    since_escape: usize,
    depth: u32,
    ready: Vec<u8>,
    taken: usize,
}

impl<'a> ThinJson<'a> {
    pub fn new(inner: &'a mut dyn BufRead) -> Self {
        ThinJson {
            inner,
            in_string: false,
            escaped: false,
            cutting: false,
            kept: 0,
            since_escape: usize::MAX,
            depth: 0,
            ready: Vec::new(),
            taken: 0,
        }
    }

    fn take(&mut self, b: u8) -> io::Result<()> {
        if !self.in_string {
            match b {
                b'"' => (self.in_string, self.kept, self.cutting) = (true, 0, false),
                b'[' | b'{' => self.depth += 1,
                b']' | b'}' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
            if self.depth > MAX_DEPTH {
                return Err(TooLarge("arrays and objects that nest deeper than 100 are not read").into_io());
            }
            self.ready.push(b);
            return Ok(());
        }
        let plain = !self.escaped && b != b'\\' && b != b'"' && b & 0xC0 != 0x80;
        // Not behind an escape: the next may be its second half.
        if plain && self.kept >= KEPT && self.since_escape >= ESCAPE {
            self.cutting = true;
        }
        let ends = !self.escaped && b == b'"';
        if !self.cutting || ends {
            self.ready.push(b);
            self.kept += 1;
        } else if b == b'\n' {
            // Not allowed in a string, but the line must be right where it is told.
            self.ready.push(b);
        }
        self.since_escape = if b == b'\\' { 1 } else { self.since_escape.saturating_add(1) };
        self.escaped = !self.escaped && b == b'\\';
        self.in_string = !ends;
        if self.kept > MAX_STRING {
            return Err(TooLarge("a string of the report is longer than 4 MiB").into_io());
        }
        Ok(())
    }
}

impl Read for ThinJson<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut ready = self.fill_buf()?;
        let n = ready.read(into)?;
        self.consume(n);
        Ok(n)
    }
}

impl BufRead for ThinJson<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.taken >= self.ready.len() {
            self.ready.clear();
            self.taken = 0;
            let piece = self.inner.fill_buf()?;
            let piece = piece.get(..PIECE).unwrap_or(piece).to_vec();
            if piece.is_empty() {
                break;
            }
            self.inner.consume(piece.len());
            for b in piece {
                self.take(b)?;
            }
        }
        Ok(self.ready.get(self.taken..).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        self.taken += amount;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thinned(text: &str) -> io::Result<String> {
        let mut inner = io::BufReader::with_capacity(5, text.as_bytes());
        let mut out = String::new();
        ThinJson::new(&mut inner).read_to_string(&mut out)?;
        Ok(out)
    }

    #[test]
    fn strings_are_cut_and_the_rest_passes() {
        let text = r#"{"a": ["b\"\\", "ä\ud83d\ude00", 1, null]}"#;
        assert_eq!(thinned(text).unwrap(), text);
        let long = "y".repeat(KEPT + 1000);
        let x = "y".repeat(KEPT);
        assert_eq!(thinned(&format!("[\"{long}\", 1]")).unwrap(), format!("[\"{x}\", 1]"));
    }

    #[test]
    fn a_cut_never_parts_an_escape() {
        for shift in 0..16 {
            let text = format!("\"{}{}\"", "y".repeat(KEPT - shift), "\\ud83d\\ude00ä\\n".repeat(50));
            let cut: String = serde_json::from_str(&thinned(&text).unwrap()).unwrap();
            assert!(cut.chars().count() <= text.chars().count());
        }
    }

    #[test]
    fn what_nests_too_deep_or_cannot_be_cut_is_refused() {
        assert!(thinned(&"[".repeat(1000)).is_err());
        assert!(thinned(&format!("\"{}\"", "\\n".repeat(MAX_STRING))).is_err());
    }
}
