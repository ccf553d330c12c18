//! A request's body: held in memory where it is small, handed on as it comes where it may be large.

use std::io;
use std::time::Duration;

use base::ApiError;
use bytes::Bytes;
use futures_util::stream;
use http::request::Parts;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use platform::{ByteStream, Trailers};
use wire::Protocol;
use wire::sigv4::{BodyReader, Fault};

use super::body::Incoming;

/// How long a client may be silent in the middle of a body.
const IDLE_LIMIT: Duration = Duration::from_secs(60);

/// A body that was not yet read, or was for its form.
pub enum Payload {
    Unread(Incoming),
    Read(Bytes),
}

impl Payload {
    /// All of it. More than `limit` bytes are refused.
    pub async fn read(self, limit: usize) -> Result<Bytes, ApiError> {
        let body = match self {
            Payload::Read(bytes) => return Ok(bytes),
            Payload::Unread(body) => body,
        };
        let mut body = Limited::new(body, limit);
        let mut pieces: Vec<Bytes> = Vec::new();
        loop {
            match within(body.frame()).await? {
                None => return Ok(joined(pieces)),
                Some(Ok(frame)) => pieces.extend(frame.into_data().ok().filter(|data| !data.is_empty())),
                Some(Err(e)) if e.is::<LengthLimitError>() => {
                    let message = format!("The request body is larger than {limit} bytes (setting limits.body_bytes).");
                    return Err(ApiError::new("RequestEntityTooLargeException", message).with_status(413));
                }
                Some(Err(_)) => {
                    return Err(ApiError::new("IncompleteBody", "The request body ended before it was complete."));
                }
            }
        }
    }

    /// The content of a streamed body, checked as it passes: an error of the stream holds an `ApiError`.
    pub fn stream(self, reader: BodyReader, trailers: Trailers) -> ByteStream {
        let length = reader.expected_length();
        let body = match self {
            Payload::Read(bytes) => Source::Whole(Some(bytes)),
            Payload::Unread(body) => Source::Hyper(body),
        };
        let pump = Pump { body, reader: Some(reader), ready: Vec::new(), trailers: trailers.clone() };
        ByteStream::new(stream::unfold(pump, Pump::next), length).with_trailers(trailers)
    }
}

/// The trailers that a request says will follow its body.
pub fn announced(parts: &Parts) -> Trailers {
    let header = parts.headers.get("x-amz-trailer").and_then(|v| v.to_str().ok()).unwrap_or_default();
    let names = header.split(',').map(|n| n.trim().to_ascii_lowercase()).filter(|n| !n.is_empty());
    Trailers::announced(names.collect())
}

/// Takes framing off a whole body and checks its hashes.
pub fn unframe(bytes: Bytes, mut reader: BodyReader, protocol: Protocol) -> Result<Bytes, ApiError> {
    let mut content: Vec<Bytes> = Vec::new();
    let done = reader.push(bytes, |piece| content.push(piece)).and_then(|()| reader.finish());
    done.map_err(|fault| fault.error(protocol))?;
    Ok(joined(content))
}

/// One piece is not copied.
fn joined(pieces: Vec<Bytes>) -> Bytes {
    match <[Bytes; 1]>::try_from(pieces) {
        Ok([only]) => only,
        Err(pieces) => pieces.concat().into(),
    }
}

/// Waits for a body's next piece, but not for ever: a client that falls silent would keep its connection, and what was
/// taken in for it, for as long as it likes.
pub(crate) async fn within<T>(next: impl Future<Output = T>) -> Result<T, ApiError> {
    limited(IDLE_LIMIT, next).await
}

async fn limited<T>(limit: Duration, next: impl Future<Output = T>) -> Result<T, ApiError> {
    tokio::time::timeout(limit, next).await.map_err(|_| {
        let message = "Your socket connection to the server was not read from or written to within the timeout period. \
                       Idle connections will be closed.";
        ApiError::new("RequestTimeout", message)
    })
}

enum Source {
    Whole(Option<Bytes>),
    Hyper(Incoming),
}

impl Source {
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        match self {
            Source::Whole(bytes) => bytes.take().map(Ok),
            Source::Hyper(body) => loop {
                let next = match within(body.frame()).await {
                    Ok(next) => next?,
                    Err(e) => return Some(Err(io::Error::other(e))),
                };
                return match next {
                    Ok(frame) => match frame.into_data() {
                        Ok(data) => Some(Ok(data)),
                        Err(_) => continue,
                    },
                    Err(_) => Some(Err(broken(&Fault::Incomplete))),
                };
            },
        }
    }
}

struct Pump {
    body: Source,
    /// Gone once the body has ended, well or badly.
    reader: Option<BodyReader>,
    /// Content that waits to be handed on, last first.
    ready: Vec<Bytes>,
    /// Where what comes after the content is left for its reader.
    trailers: Trailers,
}

impl Pump {
    async fn next(mut self) -> Option<(io::Result<Bytes>, Self)> {
        loop {
            if let Some(piece) = self.ready.pop() {
                return Some((Ok(piece), self));
            }
            let mut reader = self.reader.take()?;
            match self.body.next().await {
                Some(Ok(bytes)) => {
                    let ready = &mut self.ready;
                    if let Err(fault) = reader.push(bytes, |piece| ready.push(piece)) {
                        return Some((Err(broken(&fault)), self));
                    }
                    self.ready.reverse();
                    self.reader = Some(reader);
                }
                Some(Err(e)) => return Some((Err(e), self)),
                None => {
                    return match reader.finish() {
                        Ok(received) => {
                            self.trailers.receive(received.into_iter().collect());
                            None
                        }
                        Err(fault) => Some((Err(broken(&fault)), self)),
                    };
                }
            }
        }
    }
}

fn broken(fault: &Fault) -> io::Error {
    io::Error::other(fault.error(Protocol::RestXml))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_client_that_falls_silent_is_not_waited_for() {
        let silent = limited(Duration::from_millis(1), std::future::pending::<()>());
        assert_eq!(silent.await.unwrap_err().code, "RequestTimeout");
        assert!(limited(Duration::ZERO, async {}).await.is_ok());
    }
}
