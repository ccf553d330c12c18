//! The tokens of GetLogEvents: `f/` or `b/`, and a place that the page ends or begins with.

use base::ApiError;
use store::tables::logs_event::Position;

use super::errors;

/// Where to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// With events after this place.
    Forward(Position),
    /// With events before this place.
    Backward(Position),
}

impl Token {
    pub(super) fn parse(text: &str) -> Result<Self, ApiError> {
        let (make, rest): (fn(Position) -> Token, _) = if let Some(rest) = text.strip_prefix("f/") {
            (Token::Forward, rest)
        } else if let Some(rest) = text.strip_prefix("b/") {
            (Token::Backward, rest)
        } else {
            return Err(errors::bad_token());
        };
        let digits = rest.strip_suffix("/s").filter(|d| d.len() == 56 && d.bytes().all(|b| b.is_ascii_digit()));
        let (time, seq) = digits.and_then(|d| d.split_at_checked(28)).ok_or_else(errors::bad_token)?;
        match (time.parse(), seq.parse()) {
            (Ok(time_ms), Ok(seq)) => Ok(make(Position { time_ms, seq })),
            _ => Err(errors::bad_token()),
        }
    }

    pub(super) fn text(self) -> String {
        match self {
            Token::Forward(at) => format!("f/{}/s", digits(at)),
            Token::Backward(at) => format!("b/{}/s", digits(at)),
        }
    }
}

/// Fifty-six digits that grow with the place, as AWS's event ids and tokens have them.
pub(super) fn digits(at: Position) -> String {
    format!("{:028}{:028}", at.time_ms.max(0), at.seq.max(0))
}
