//! A request's body: held in memory where it is small, handed on as it comes where it may be large.

use std::io;
use std::time::Duration;

use base::ApiError;
use bytes::Bytes;
use futures_util::stream;
use http::request::Parts;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use platform::{ByteStream, Trailers};
use tokio::time::Instant;
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

/// How fast a body has to come whose sender has proven nothing: the signature of most requests can only be checked when
/// all of the body is there, and who knows a key's id has not shown that it holds the key.
#[derive(Clone, Copy)]
pub struct Pace {
    /// How long it may take in any case.
    grace: Duration,
    /// And a second more for each of these.
    bytes_per_sec: u64,
}

impl Pace {
    /// Of a client whose key nobody knows: all in one short time.
    pub const STRANGER: Pace = Pace { grace: Duration::from_secs(10), bytes_per_sec: u64::MAX };
    /// Of a client that names a key that exists, or a webhook that does.
    pub const UNPROVEN: Pace = Pace { grace: Duration::from_secs(60), bytes_per_sec: 16 << 10 };

    /// How long the next piece is waited for.
    fn patience(self, received_bytes: u64, elapsed: Duration) -> Duration {
        let in_all = self.grace + Duration::from_secs(received_bytes / self.bytes_per_sec);
        in_all.saturating_sub(elapsed).min(IDLE_LIMIT)
    }
}

impl Payload {
    /// All of it. More than `limit` bytes are refused, and what comes too slowly is.
    pub async fn read(self, limit: usize, pace: Pace) -> Result<Bytes, ApiError> {
        match self {
            Payload::Read(bytes) => Ok(bytes),
            Payload::Unread(body) => collected(body, limit, pace).await,
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

async fn collected<B>(body: B, limit: usize, pace: Pace) -> Result<Bytes, ApiError>
where
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut body = Limited::new(body, limit);
    let mut pieces: Vec<Bytes> = Vec::new();
    let (begun, mut received_bytes) = (Instant::now(), 0);
    loop {
        let patience = pace.patience(received_bytes, begun.elapsed());
        // A timer has a millisecond at least, in which there is always a next piece of a body in small pieces.
        if patience.is_zero() {
            return Err(timed_out());
        }
        match limited(patience, body.frame()).await? {
            None => return Ok(joined(pieces)),
            Some(Ok(frame)) => {
                let data = frame.into_data().ok().filter(|data| !data.is_empty());
                received_bytes += data.as_ref().map_or(0, |data| data.len() as u64);
                pieces.extend(data);
            }
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
    tokio::time::timeout(limit, next).await.map_err(|_| timed_out())
}

fn timed_out() -> ApiError {
    let message = "Your socket connection to the server was not read from or written to within the timeout period. \
                   Idle connections will be closed.";
    ApiError::new("RequestTimeout", message)
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
    use futures_util::{StreamExt as _, TryStreamExt as _};
    use http_body_util::StreamBody;
    use hyper::body::Frame;

    use super::*;

    #[tokio::test]
    async fn a_client_that_falls_silent_is_not_waited_for() {
        let silent = limited(Duration::from_millis(1), std::future::pending::<()>());
        assert_eq!(silent.await.unwrap_err().code, "RequestTimeout");
        assert!(limited(Duration::ZERO, async {}).await.is_ok());
    }

    /// A body whose next byte always comes, one at a time.
    fn drips() -> impl http_body::Body<Data = Bytes, Error = io::Error> + Unpin {
        let drips = stream::repeat_with(|| Ok::<_, io::Error>(Frame::data(Bytes::from_static(b"x"))));
        StreamBody::new(Box::pin(drips.then(|byte| async {
            tokio::task::yield_now().await;
            byte
        })))
    }

    #[tokio::test]
    async fn who_sends_a_byte_now_and_then_is_not_waited_for() {
        let pace = Pace { grace: Duration::from_millis(5), bytes_per_sec: u64::MAX };
        assert_eq!(collected(drips(), usize::MAX, pace).await.unwrap_err().code, "RequestTimeout");
        assert_eq!(collected(drips(), 99, Pace::STRANGER).await.unwrap_err().status, Some(413));
    }

    #[tokio::test]
    async fn what_comes_fast_enough_is_read_to_its_end() {
        let few = StreamBody::new(drips().into_data_stream().take(3).map_ok(Frame::data));
        assert_eq!(collected(few, 3, Pace::UNPROVEN).await.unwrap(), "xxx");
        let broken = stream::iter([Ok(Frame::data(Bytes::from_static(b"x"))), Err(io::Error::other("reset"))]);
        let e = collected(StreamBody::new(broken), 3, Pace::STRANGER).await.unwrap_err();
        assert_eq!(e.code, "IncompleteBody");
    }

    #[test]
    fn patience_grows_with_what_has_come_and_ends() {
        let seconds = Duration::from_secs;
        assert_eq!(Pace::STRANGER.patience(64 << 10, seconds(9)), seconds(1));
        assert_eq!(Pace::STRANGER.patience(64 << 10, seconds(11)), Duration::ZERO);
        assert_eq!(Pace::UNPROVEN.patience(0, seconds(0)), seconds(60));
        assert_eq!(Pace::UNPROVEN.patience(100, seconds(59)), seconds(1));
        assert_eq!(Pace::UNPROVEN.patience(1 << 20, seconds(100)), seconds(24));
        assert_eq!(Pace::UNPROVEN.patience(1 << 30, seconds(100)), IDLE_LIMIT, "silence is not waited for");
    }
}
