//! XML with its long texts cut, while it is read.
//!
//! A parser of events holds one event at a time, and one event may be the whole output of a test run. This stands
//! between the file and the parser: markup passes, of texts, CDATA sections and attributes' values the first part,
//! of comments nothing. It also knows how far the parser has come.

use std::io::{self, BufRead, Read};

use super::error::TooLarge;
use crate::Span;

/// So much of each text and each attribute's value is passed on, in bytes.
const KEPT: usize = 32 << 10;
/// So much is looked at in one go.
const PIECE: usize = 64 << 10;
/// One event may be so long, in bytes, whatever it is.
const EVENT: usize = 4 << 20;

/// A longer declaration is none.
const MAX_DECLARATION: usize = 256;
/// What the bytes from 0x80 on are in windows-1252, as which the others are read as well: they have nothing there.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8D}', 'Ž', '\u{8F}', '\u{90}', '‘', '’',
    '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9D}', 'ž', 'Ÿ',
];
/// Encodings whose every byte is a character, as they are declared.
const SINGLE_BYTES: [&str; 4] = ["iso-8859-1", "latin1", "windows-1252", "cp1252"];

#[derive(Clone, Copy, Debug)]
enum State {
    Text,
    /// After `<`.
    Open,
    /// After `<!`.
    Bang,
    /// After `<!-`.
    BangDash,
    /// In a comment, after so many dashes.
    Comment(u8),
    /// After `<![` and so many letters.
    CdataOpen(u8),
    /// In a CDATA section, after so many brackets.
    Cdata(u8),
    /// In a declaration, below so many brackets.
    Declaration(u32),
    /// In an instruction; true after `?`.
    Instruction(bool),
    Tag,
    /// In an attribute's value that ends with this quote.
    Value(u8),
}

/// The filter.
pub(super) struct ThinXml<'a> {
    inner: &'a mut dyn BufRead,
    state: State,
    /// Bytes of the current text or value that were passed on.
    kept: usize,
    /// The rest of the current text is left out.
    cutting: bool,
    /// Inside `&...;`, which is never cut.
    reference: bool,
    ready: Vec<u8>,
    taken: usize,
    /// Places in `ready` before which so many line breaks were left out.
    breaks: Vec<(usize, u32)>,
    next_break: usize,
    at: Span,
    /// Bytes given to the parser since its last event.
    event: usize,
    /// The document's first instruction, as far as it has been seen; none when it is over.
    declaration: Option<Vec<u8>>,
    /// The document says that each byte is a character.
    single_bytes: bool,
}

impl<'a> ThinXml<'a> {
    pub fn new(inner: &'a mut dyn BufRead) -> Self {
        ThinXml {
            inner,
            state: State::Text,
            kept: 0,
            cutting: false,
            reference: false,
            ready: Vec::new(),
            taken: 0,
            breaks: Vec::new(),
            next_break: 0,
            at: Span::START,
            event: 0,
            declaration: Some(Vec::new()),
            single_bytes: false,
        }
    }

    /// The parser has finished an event.
    pub fn event_over(&mut self) {
        self.event = 0;
    }

    /// How far the parser has come.
    pub fn at(&self) -> Span {
        self.at
    }

    fn enter(&mut self, state: State) {
        self.state = state;
        self.kept = 0;
        self.cutting = false;
        self.reference = false;
    }

    /// Whether a byte of a text is passed on.
    fn keeps(&mut self, b: u8, at_edge: bool) -> bool {
        if self.cutting {
            return false;
        }
        // Neither characters nor references are cut in two.
        if self.kept >= KEPT && b & 0xC0 != 0x80 && !self.reference && at_edge {
            self.cutting = true;
            return false;
        }
        match b {
            b'&' => self.reference = true,
            b'#' => {}
            _ if b.is_ascii_alphanumeric() => {}
            _ => self.reference = false,
        }
        self.kept += 1;
        true
    }

    fn take(&mut self, b: u8) {
        let mut keep = true;
        match self.state {
            State::Text if b == b'<' => self.enter(State::Open),
            State::Text => keep = self.keeps(b, true),
            State::Open => match b {
                b'!' => self.enter(State::Bang),
                b'?' => self.enter(State::Instruction(false)),
                b'>' => self.enter(State::Text),
                _ => self.enter(State::Tag),
            },
            State::Bang => match b {
                b'-' => self.enter(State::BangDash),
                b'[' => self.enter(State::CdataOpen(0)),
                b'>' => self.enter(State::Text),
                _ => self.enter(State::Declaration(0)),
            },
            State::BangDash if b == b'-' => self.enter(State::Comment(0)),
            State::BangDash => self.enter(State::Declaration(0)),
            State::Comment(dashes) => {
                keep = false;
                match b {
                    b'-' => self.state = State::Comment((dashes + 1).min(2)),
                    b'>' if dashes == 2 => {
                        self.ready.extend_from_slice(b"-->");
                        self.enter(State::Text);
                    }
                    _ => self.state = State::Comment(0),
                }
            }
            State::CdataOpen(letters) => match b {
                b'[' => self.enter(State::Cdata(0)),
                _ if letters >= 5 => self.enter(State::Text),
                _ => self.state = State::CdataOpen(letters + 1),
            },
            State::Cdata(brackets) => {
                if b == b'>' && brackets == 2 {
                    if self.cutting {
                        self.ready.extend_from_slice(b"]]");
                    }
                    self.enter(State::Text);
                } else {
                    keep = self.keeps(b, brackets == 0);
                    let next = if b == b']' { (brackets + 1).min(2) } else { 0 };
                    self.state = State::Cdata(next);
                }
            }
            State::Declaration(depth) => match (b, depth) {
                (b'<', _) => self.state = State::Declaration(depth.saturating_add(1)),
                (b'>', 0) => self.enter(State::Text),
                (b'>', _) => self.state = State::Declaration(depth - 1),
                _ => {}
            },
            State::Instruction(question) => match b {
                b'>' if question => {
                    self.declared();
                    self.enter(State::Text);
                }
                _ => self.state = State::Instruction(b == b'?'),
            },
            State::Tag => match b {
                b'>' => self.enter(State::Text),
                b'"' | b'\'' => self.enter(State::Value(b)),
                _ => {}
            },
            State::Value(quote) if b == quote => self.enter(State::Tag),
            State::Value(_) => keep = self.keeps(b, true),
        }
        if let (State::Instruction(_), Some(declaration)) = (self.state, &mut self.declaration)
            && declaration.len() < MAX_DECLARATION
        {
            declaration.push(b.to_ascii_lowercase());
        }
        if keep {
            self.ready.push(b);
        } else if b == b'\n' {
            self.left_out();
        }
    }

    /// Older Java tools write in the encoding of their machine, and say so.
    fn declared(&mut self) {
        let Some(declaration) = self.declaration.take() else { return };
        let text = String::from_utf8_lossy(&declaration);
        let encoding = text.split_once("encoding").map(|(_, rest)| rest.trim_start_matches([' ', '=', '"', '\'']));
        let encoding = encoding.and_then(|rest| rest.split(['"', '\'']).next());
        self.single_bytes = encoding.is_some_and(|encoding| SINGLE_BYTES.contains(&encoding));
    }

    fn left_out(&mut self) {
        let place = self.ready.len();
        match self.breaks.last_mut() {
            Some((at, count)) if *at == place => *count += 1,
            _ => self.breaks.push((place, 1)),
        }
    }

    /// Moves `at` over the left-out line breaks that lie before what is taken next.
    fn pass_breaks(&mut self) {
        while let Some((_, count)) = self.breaks.get(self.next_break).filter(|(place, _)| *place <= self.taken) {
            self.at = Span { line: self.at.line.saturating_add(*count), column: 1 };
            self.next_break += 1;
        }
    }
}

impl Read for ThinXml<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut ready = self.fill_buf()?;
        let n = ready.read(into)?;
        self.consume(n);
        Ok(n)
    }
}

impl BufRead for ThinXml<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.taken >= self.ready.len() {
            self.pass_breaks();
            self.ready.clear();
            self.breaks.clear();
            (self.taken, self.next_break) = (0, 0);
            let piece = self.inner.fill_buf()?;
            let piece = piece.get(..PIECE).unwrap_or(piece).to_vec();
            if piece.is_empty() {
                break;
            }
            self.inner.consume(piece.len());
            for b in piece {
                if self.single_bytes && b >= 0x80 {
                    let c = usize::from(b - 0x80);
                    let c = WINDOWS_1252.get(c).copied().unwrap_or(char::from(b));
                    for b in c.encode_utf8(&mut [0; 4]).bytes() {
                        self.take(b);
                    }
                } else {
                    self.take(b);
                }
            }
        }
        if self.event > EVENT {
            return Err(TooLarge("one element of the report is longer than 4 MiB").into_io());
        }
        Ok(self.ready.get(self.taken..).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        for _ in 0..amount {
            self.pass_breaks();
            match self.ready.get(self.taken) {
                Some(b'\n') => self.at = Span { line: self.at.line.saturating_add(1), column: 1 },
                Some(b) if b & 0xC0 == 0x80 => {}
                Some(_) => self.at.column = self.at.column.saturating_add(1),
                None => break,
            }
            self.taken += 1;
        }
        self.event += amount;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thinned(text: &str) -> (String, Span) {
        let mut inner = io::BufReader::with_capacity(7, text.as_bytes());
        let mut thin = ThinXml::new(&mut inner);
        let mut out = Vec::new();
        loop {
            let piece = thin.fill_buf().unwrap().to_vec();
            if piece.is_empty() {
                break;
            }
            thin.consume(piece.len());
            thin.event_over();
            out.extend(piece);
        }
        (String::from_utf8(out).unwrap(), thin.at())
    }

    #[test]
    fn short_documents_pass_as_they_are() {
        let text =
            "<?xml version='1.0'?><!DOCTYPE a [<!ELEMENT a (b)>]><a k=\"1>2\">t &amp; <![CDATA[x]>]]]><b/></a>\n";
        assert_eq!(thinned(text).0, text);
    }

    #[test]
    fn a_document_in_an_encoding_of_single_bytes_is_read_in_it() {
        let read = |encoding: &str| {
            let mut bytes = format!("<?xml version='1.0' encoding='{encoding}'?><a>caf").into_bytes();
            bytes.extend([0xE9, b'<', b'/', b'a', b'>']);
            let mut inner = bytes.as_slice();
            let mut out = Vec::new();
            ThinXml::new(&mut inner).read_to_end(&mut out).unwrap();
            String::from_utf8(out)
        };
        for encoding in ["ISO-8859-1", "windows-1252"] {
            assert!(read(encoding).unwrap().ends_with("<a>café</a>"), "{encoding}");
        }
        let quoted = "<?xml version='1.0' encoding='windows-1252'?><a>\u{1}caf\u{2}".bytes();
        let quoted: Vec<u8> = quoted.map(|b| if b < 3 { b + 0x92 } else { b }).collect();
        let mut out = String::new();
        ThinXml::new(&mut quoted.as_slice()).read_to_string(&mut out).unwrap();
        assert!(out.ends_with("<a>“caf”"), "{out}");
        assert!(read("UTF-8").is_err());
        assert!(read("ISO-8859-15").is_err(), "another one is not taken for it");
    }

    #[test]
    fn long_texts_are_cut_between_characters_and_references_and_lines_still_count() {
        let long = format!("{}ä&amp;{}", "x".repeat(KEPT - 1), "y\n".repeat(100));
        let text = format!("<a k='{long}'>\n{long}<![CDATA[{long}]]]><!-- {long} --></a>\n<b");
        let (thin, at) = thinned(&text);
        let x = "x".repeat(KEPT - 1);
        assert_eq!(thin, format!("<a k='{x}ä'>\n{x}<![CDATA[{x}ä]]><!----></a>\n<b"));
        assert_eq!(at.line, 403);
    }
}
