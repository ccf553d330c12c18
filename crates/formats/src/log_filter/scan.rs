//! A cursor over a pattern's characters.

use super::LogFilterError;

pub(super) struct Scan {
    chars: Vec<char>,
    at: usize,
}

impl Scan {
    pub(super) fn new(text: &str) -> Self {
        Scan { chars: text.chars().collect(), at: 0 }
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let c = self.peek();
        self.at += usize::from(c.is_some());
        c
    }

    pub(super) fn skip_space(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    /// Takes `word` if it stands here.
    pub(super) fn take(&mut self, word: &str) -> bool {
        let here = self.chars.get(self.at..).unwrap_or_default();
        let found = word.chars().count() <= here.len() && word.chars().zip(here).all(|(a, b)| a == *b);
        if found {
            self.at += word.chars().count();
        }
        found
    }

    /// Takes `word` without regard to case, if a whole word stands here.
    pub(super) fn take_word(&mut self, word: &str) -> bool {
        let here = self.chars.get(self.at..).unwrap_or_default();
        let len = word.chars().count();
        let found = len <= here.len()
            && word.chars().zip(here).all(|(a, b)| a.eq_ignore_ascii_case(b))
            && here.get(len).is_none_or(|c| !c.is_alphanumeric());
        if found {
            self.at += len;
        }
        found
    }

    pub(super) fn take_while(&mut self, fits: impl Fn(char) -> bool) -> String {
        let mut out = String::new();
        while let Some(c) = self.peek().filter(|c| fits(*c)) {
            out.push(c);
            self.at += 1;
        }
        out
    }

    /// The rest of a quoted text whose opening quote has been taken; `\` protects the next character.
    pub(super) fn quoted(&mut self, quote: char) -> Result<String, LogFilterError> {
        let mut out = String::new();
        loop {
            match self.next() {
                None => return Err(self.error("a quote is not closed")),
                Some(c) if c == quote => return Ok(out),
                Some('\\') => out.extend(self.next()),
                Some(c) => out.push(c),
            }
        }
    }

    pub(super) fn error(&self, reason: impl Into<String>) -> LogFilterError {
        LogFilterError::Syntax { reason: reason.into(), at: self.at + 1 }
    }
}
