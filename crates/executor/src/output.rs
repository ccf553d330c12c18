//! From raw bytes to lines that may be shown: masks secrets, also where they cross chunks, and bounds the lines.

use std::collections::BTreeSet;

use crate::forms::forms;

/// What stands in place of a secret.
const MASK: &[u8] = b"***";
/// Longer lines are cut.
const MAX_LINE_LEN: usize = 64 << 10;

/// Masks secrets in a stream of bytes, in every form that [`forms`] knows.
pub(crate) struct Masker {
    /// By their first byte; in each list the longest first, so that a secret which contains another one is masked as a
    /// whole.
    by_first_byte: Vec<Vec<Vec<u8>>>,
    /// Which bytes begin a secret: most of the output is passed over by this alone.
    begins: [bool; 256],
    /// The end of what was seen, as long as it could be the beginning of a secret.
    held: Vec<u8>,
    is_empty: bool,
}

enum Match {
    None,
    Whole(usize),
    /// All the bytes that there are begin a secret that is longer.
    Begun,
}

impl Masker {
    pub fn new<'a>(values: impl IntoIterator<Item = &'a str>) -> Self {
        let secrets: BTreeSet<Vec<u8>> = values.into_iter().flat_map(forms).collect();
        let is_empty = secrets.is_empty();
        let mut by_first_byte = vec![Vec::new(); 256];
        for secret in secrets {
            let first = secret.first().map(|byte| usize::from(*byte));
            if let Some(list) = first.and_then(|first| by_first_byte.get_mut(first)) {
                list.push(secret);
            }
        }
        for list in &mut by_first_byte {
            list.sort_by(|a: &Vec<u8>, b: &Vec<u8>| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        }
        let begins = std::array::from_fn(|byte| by_first_byte.get(byte).is_some_and(|list| !list.is_empty()));
        Masker { by_first_byte, begins, held: Vec::new(), is_empty }
    }

    /// Appends to `out` what of the stream so far is certain.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) {
        self.go(chunk, out, false);
    }

    /// Appends what was held back: nothing follows for now.
    pub fn flush(&mut self, out: &mut Vec<u8>) {
        self.go(b"", out, true);
    }

    /// Masks one text that stands alone.
    pub fn mask(&self, text: &str) -> String {
        let mut out = Vec::new();
        self.scan(text.as_bytes(), &mut out, true);
        String::from_utf8_lossy(&out).into_owned()
    }

    fn go(&mut self, chunk: &[u8], out: &mut Vec<u8>, last: bool) {
        if self.is_empty {
            out.extend_from_slice(chunk);
            return;
        }
        let mut bytes = std::mem::take(&mut self.held);
        bytes.extend_from_slice(chunk);
        let done = self.scan(&bytes, out, last);
        bytes.drain(..done);
        self.held = bytes;
    }

    /// Returns how many bytes are dealt with.
    fn scan(&self, bytes: &[u8], out: &mut Vec<u8>, last: bool) -> usize {
        let mut done = 0;
        while let Some(rest) = bytes.get(done..).filter(|r| !r.is_empty()) {
            let plain = rest.iter().position(|b| self.begins(*b)).unwrap_or(rest.len());
            let (before, candidate) = rest.split_at(plain);
            out.extend_from_slice(before);
            done += plain;
            let Some(byte) = candidate.first() else { break };
            match self.find(candidate, last) {
                Match::Whole(len) => {
                    out.extend_from_slice(MASK);
                    done += len;
                }
                Match::Begun => break,
                Match::None => {
                    out.push(*byte);
                    done += 1;
                }
            }
        }
        done
    }

    fn begins(&self, byte: u8) -> bool {
        self.begins[usize::from(byte)]
    }

    fn beginning_with(&self, byte: u8) -> &[Vec<u8>] {
        self.by_first_byte.get(usize::from(byte)).map(Vec::as_slice).unwrap_or_default()
    }

    fn find(&self, bytes: &[u8], last: bool) -> Match {
        for secret in bytes.first().map(|byte| self.beginning_with(*byte)).unwrap_or_default() {
            if bytes.starts_with(secret) {
                return Match::Whole(secret.len());
            }
            if !last && secret.starts_with(bytes) {
                return Match::Begun;
            }
        }
        Match::None
    }
}

/// Cuts a stream of bytes into batches of whole lines.
#[derive(Default)]
pub(crate) struct Lines {
    partial: Vec<u8>,
}

impl Lines {
    /// Takes bytes and hands each batch of whole lines, at most 128 KiB, to `emit`.
    pub fn push<E>(&mut self, bytes: &[u8], mut emit: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        let mut batch = std::mem::take(&mut self.partial);
        if batch.len() + bytes.len() <= MAX_LINE_LEN {
            // Nothing here can be too long.
            let (whole, rest) = bytes.split_at(bytes.iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1));
            batch.extend_from_slice(if whole.is_empty() { rest } else { whole });
            if whole.is_empty() {
                self.partial = batch;
                return Ok(());
            }
            self.partial = rest.to_vec();
            return emit(&batch);
        }
        let mut line_start = 0;
        for piece in bytes.split_inclusive(|b| *b == b'\n') {
            let mut piece = piece;
            loop {
                let room = MAX_LINE_LEN.saturating_sub(batch.len() - line_start);
                let line_len = piece.strip_suffix(b"\n").unwrap_or(piece).len();
                if line_len <= room {
                    batch.extend_from_slice(piece);
                    break;
                }
                let (now, later) = piece.split_at(cut(piece, room));
                batch.extend_from_slice(now);
                batch.push(b'\n');
                line_start = batch.len();
                piece = later;
                if batch.len() >= MAX_LINE_LEN {
                    emit(&batch)?;
                    batch.clear();
                    line_start = 0;
                }
            }
            if batch.last() == Some(&b'\n') {
                line_start = batch.len();
                if batch.len() >= MAX_LINE_LEN {
                    emit(&batch)?;
                    batch.clear();
                    line_start = 0;
                }
            }
        }
        self.partial = batch.split_off(line_start);
        if batch.is_empty() { Ok(()) } else { emit(&batch) }
    }

    /// Hands out an unfinished line, with the line end that it lacks.
    pub fn flush<E>(&mut self, emit: impl FnOnce(&[u8]) -> Result<(), E>) -> Result<(), E> {
        if self.partial.is_empty() {
            return Ok(());
        }
        let mut line = std::mem::take(&mut self.partial);
        line.push(b'\n');
        emit(&line)
    }
}

/// The largest place not behind `at` that splits no UTF-8 character.
fn cut(bytes: &[u8], at: usize) -> usize {
    (at.saturating_sub(3)..=at).rev().find(|i| bytes.get(*i).is_none_or(|b| b & 0xC0 != 0x80)).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(secrets: &[&str], chunks: &[&str]) -> String {
        let mut masker = Masker::new(secrets.iter().copied());
        let mut out = Vec::new();
        for chunk in chunks {
            masker.push(chunk.as_bytes(), &mut out);
        }
        masker.flush(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_secret_is_masked_wherever_the_chunks_are_cut() {
        let text = "before s3cret-s3cret after s3cre";
        for cut in 0..=text.len() {
            let (a, b) = text.split_at(cut);
            assert_eq!(masked(&["s3cret"], &[a, b]), "before ***-*** after s3cre");
        }
    }

    #[test]
    fn the_longest_secret_wins_also_across_chunks() {
        assert_eq!(masked(&["abc", "abcdef"], &["xabc", "defy"]), "x***y");
        assert_eq!(masked(&["abc", "abcdef"], &["xabc", "dey"]), "x***dey");
    }

    #[test]
    fn a_secret_of_several_lines_is_masked_as_a_whole_and_line_by_line() {
        let key = "-----BEGIN\nMIIEpAIBAAK\nab\n";
        assert_eq!(masked(&[key], &["<-----BEGIN\nMIIEpAIBAAK\nab\n>"]), "<***>");
        assert_eq!(masked(&[key], &["MIIEpAIBAAK ab"]), "*** ab");
    }

    #[test]
    fn every_form_is_masked_wherever_the_chunks_are_cut() {
        let secret = "s3cret/\"value\"";
        let text = "a s3cret/\\\"value\\\" b s3cret%2F%22value%22 c czNjcmV0LyJ2YWx1ZSI= d";
        for cut in 0..=text.len() {
            let (a, b) = text.split_at(cut);
            assert_eq!(masked(&[secret], &[a, b]), "a *** b *** c *** d");
        }
    }

    #[test]
    fn nothing_is_held_back_that_cannot_become_a_secret() {
        let mut masker = Masker::new(["secret"]);
        let mut out = Vec::new();
        masker.push(b"hello\nse", &mut out);
        assert_eq!(out, b"hello\n");
        masker.push(b"t", &mut out);
        assert_eq!(out, b"hello\nset");
    }

    #[test]
    fn lines_are_whole_and_bounded() {
        let mut lines = Lines::default();
        let mut batches: Vec<Vec<u8>> = Vec::new();
        let mut emit = |b: &[u8]| {
            batches.push(b.to_vec());
            Ok::<_, ()>(())
        };
        lines.push(b"a\nb\nc", &mut emit).unwrap();
        lines.push(b"d\n", &mut emit).unwrap();
        lines.push(&[b'x'; MAX_LINE_LEN * 2 + 10], &mut emit).unwrap();
        lines.flush(&mut emit).unwrap();
        assert_eq!(batches[0], b"a\nb\n");
        assert_eq!(batches[1], b"cd\n");
        let long: Vec<u8> = batches[2..].concat();
        assert_eq!(long.iter().filter(|b| **b == b'x').count(), MAX_LINE_LEN * 2 + 10);
        assert!(long.split(|b| *b == b'\n').all(|l| l.len() <= MAX_LINE_LEN));
        assert!(batches.iter().all(|b| b.ends_with(b"\n") && b.len() <= 2 * MAX_LINE_LEN));
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        let mut lines = Lines::default();
        let text = format!("a{}", "ü".repeat(MAX_LINE_LEN));
        let mut out = Vec::new();
        lines
            .push(text.as_bytes(), |b| {
                out.extend_from_slice(b);
                Ok::<_, ()>(())
            })
            .unwrap();
        lines
            .flush(|b| {
                out.extend_from_slice(b);
                Ok::<_, ()>(())
            })
            .unwrap();
        assert_eq!(String::from_utf8(out).unwrap().replace('\n', ""), text);
    }
}
