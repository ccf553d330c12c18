//! One port for HTTP and HTTPS: the first byte of a connection tells which.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio_rustls::TlsAcceptor;

use super::Server;
use super::body::{self, Answer};
use super::io::Io;
use super::places::{Busy, Places, Seat};
use super::router::{is_signed, text};

/// The first byte of a TLS handshake record (RFC 8446, section 5.1).
const TLS_HANDSHAKE: u8 = 0x16;
/// How long a client may take to say whether it speaks TLS, and to shake hands.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
/// How long a client may take to send a request's head; also how long a connection may be idle between two requests.
const HEAD_LIMIT: Duration = Duration::from_secs(30);
/// How long a reader may take nothing of an answer that waits for it.
const STALL_LIMIT: Duration = Duration::from_secs(60);
/// How long requests under way may take when the server stops.
const DRAIN_LIMIT: Duration = Duration::from_secs(5);

/// Accepts connections until `stop` turns true, then drains them.
pub async fn serve(
    listener: TcpListener,
    tls: Arc<ServerConfig>,
    server: Arc<Server>,
    mut stop: watch::Receiver<bool>,
) {
    let acceptor = TlsAcceptor::from(tls);
    // Ends when the last connection has let go of its end.
    let (guard, mut all_closed) = mpsc::channel::<Infallible>(1);
    let places = Places::new(server.installation.config.max_connections);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let (socket, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(e) => {
                // Out of file descriptors, most likely: give the open connections time to end.
                tracing::error!(error = %e, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        // Those behind it wait in the kernel's queue.
        let place = tokio::select! {
            place = places.take(peer.ip()) => place,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let _ = socket.set_nodelay(true);
        give_up_when_stalled(&socket, STALL_LIMIT);
        let (acceptor, stopping, guard) = (acceptor.clone(), stop.clone(), guard.clone());
        let server = server.clone();
        tokio::spawn(async move {
            let _guard = guard;
            let seat = place.seat();
            tokio::select! {
                () = talk(socket, peer, acceptor, server, stopping, seat.clone()) => {}
                () = seat.gives_way() => {
                    tracing::debug!(client.address = %peer, "a connection that waited for a request gave way to another");
                }
            }
        });
    }
    drop((listener, guard));
    let _ = tokio::time::timeout(DRAIN_LIMIT, all_closed.recv()).await;
}

/// A connection from its first byte to its end.
async fn talk(
    socket: TcpStream,
    peer: SocketAddr,
    acceptor: TlsAcceptor,
    server: Arc<Server>,
    mut stopping: watch::Receiver<bool>,
    seat: Arc<Seat>,
) {
    let Ok(Ok(io)) = tokio::time::timeout(HANDSHAKE_LIMIT, open(socket, acceptor, seat.clone())).await else {
        tracing::debug!(client.address = %peer, "a connection ended before its first request");
        return;
    };
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_LIMIT);
    let service = service_fn(move |request| {
        let (server, seat) = (server.clone(), seat.clone());
        async move { Ok::<_, Infallible>(answer(&server, request, peer, &seat).await) }
    });
    let connection = builder.serve_connection(TokioIo::new(io), service).with_upgrades();
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        () = begun(&mut stopping) => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            // What is under way is answered; then it closes.
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(e) = ended {
        tracing::debug!(error = %e, client.address = %peer, "a connection broke");
    }
}

/// Ends when the server begins to stop.
async fn begun(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stop| *stop).await;
}

/// Has the kernel break the connection when what was sent has not been taken for `limit`. It knows what the reader has
/// taken; we only know when there is room in its buffer, which may be minutes apart with a slow reader that goes on.
fn give_up_when_stalled(socket: &TcpStream, limit: Duration) {
    let millis = u32::try_from(limit.as_millis()).unwrap_or(u32::MAX);
    if let Err(e) = rustix::net::sockopt::set_tcp_user_timeout(socket, millis) {
        tracing::debug!(error = %e, "the kernel does not watch for stalled readers");
    }
}

async fn open(socket: TcpStream, acceptor: TlsAcceptor, seat: Arc<Seat>) -> io::Result<Io> {
    let mut first = [0_u8; 1];
    if socket.peek(&mut first).await? == 1 && first == [TLS_HANDSHAKE] {
        return Ok(Io::tls(acceptor.accept(socket).await?, seat));
    }
    Ok(Io::plain(socket, seat))
}

/// What operators ask to see how the server is. It is answered at once and without its body. What is signed or brings
/// something is another request, whatever its path: it may take long.
fn is_of_operators<B>(request: &Request<B>) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD)
        && matches!(request.uri().path(), "/healthz" | "/readyz" | "/metrics")
        && !is_signed(request)
}

async fn answer(server: &Server, request: Request<Incoming>, peer: SocketAddr, seat: &Arc<Seat>) -> Response<Answer> {
    let mut response = match seat.begin(!is_of_operators(&request)).await {
        Ok(under_way) => {
            let request = request.map(|body| body::Incoming::new(body, seat.clone()));
            server.answer(request, peer).await.map(|body| Answer::new(body, Some(under_way)))
        }
        Err(Busy) => {
            let why = "The server works at as many requests as limits.connections allows. Try again.\n";
            let mut busy = text(StatusCode::SERVICE_UNAVAILABLE, why).map(|body| Answer::new(body, None));
            busy.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            seat.leave_unread();
            busy
        }
    };
    if seat.is_unread() {
        // Who still sends a body hears that it is not wanted, and may stop.
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// A connection whose sending end is watched, and its reading end.
    async fn connection(limit: Duration) -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let reader = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (writer, _) = listener.accept().await.unwrap();
        give_up_when_stalled(&writer, limit);
        (writer, reader)
    }

    #[test]
    fn only_what_is_answered_at_once_is_not_counted() {
        let request = |method: &str, uri: &str, signature: Option<&str>| {
            let mut request = Request::builder().method(method).uri(uri);
            if let Some(signature) = signature {
                request = request.header(header::AUTHORIZATION, signature);
            }
            is_of_operators(&request.body(()).unwrap())
        };
        for path in ["/healthz", "/readyz", "/metrics"] {
            assert!(
                request("GET", path, None) && request("HEAD", path, None) && request("GET", path, Some("Bearer x"))
            );
            assert!(!request("POST", path, None) && !request("PUT", path, None));
            assert!(!request("GET", path, Some("AWS4-HMAC-SHA256 bogus")));
            assert!(!request("GET", &format!("{path}?X-Amz-Algorithm=x"), None));
        }
        assert!(!request("GET", "/", None));
    }

    #[tokio::test]
    async fn a_reader_that_takes_nothing_is_given_up() {
        let (mut writer, _reader) = connection(Duration::from_millis(200)).await;
        let e = writer.write_all(&vec![0; 64 << 20]).await.unwrap_err();
        assert_eq!(e.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_slow_reader_is_waited_for_as_long_as_it_reads() {
        let (mut writer, mut reader) = connection(Duration::from_secs(3)).await;
        let size = 8 << 20;
        let reading = tokio::spawn(async move {
            let mut buffer = vec![0; size / 12];
            for _ in 0..12 {
                reader.read_exact(&mut buffer).await.unwrap();
                // What is slow has to take its time: a dozen pauses are longer than the limit.
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
            let mut rest = Vec::new();
            reader.read_to_end(&mut rest).await.unwrap();
        });
        writer.write_all(&vec![0; size]).await.unwrap();
        drop(writer);
        reading.await.unwrap();
    }
}
