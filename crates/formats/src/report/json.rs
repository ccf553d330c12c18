//! The loop over a JSON document.

use std::io::BufRead;

use serde::de::DeserializeSeed;

use super::error::{Fault, ReadError, from_io, malformed};
use super::format::ReportFormat;
use super::thin_json::ThinJson;
use crate::Span;

/// Reads a document with a seed that keeps what it needs.
pub(super) fn visit<T>(
    format: ReportFormat,
    input: &mut dyn BufRead,
    seed: impl for<'de> DeserializeSeed<'de, Value = T>,
) -> Result<T, ReadError> {
    let mut json = serde_json::Deserializer::from_reader(ThinJson::new(input));
    let read = seed.deserialize(&mut json).and_then(|value| json.end().map(|()| value));
    read.map_err(|e| {
        let place = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).max(1);
        let at = Span { line: place(e.line()), column: place(e.column()) };
        // The place stands beside the message.
        let text = e.to_string();
        let message = text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message).to_owned();
        if e.is_io() {
            return from_io(at, e.into());
        }
        if e.is_data() {
            return Fault::format(format!("this is no {}: {message}", format.name())).at(at);
        }
        if e.is_eof() && at.line == 1 && at.column <= 1 {
            return Fault::format(format!("this is no {}: the file is empty", format.name())).at(at);
        }
        malformed(at, message)
    })
}
