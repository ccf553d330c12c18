//! One port for HTTP and HTTPS: the first byte of a connection tells which.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::Server;

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

/// A connection after it is known what it speaks.
enum Io {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// Accepts connections until `stop` turns true, then drains them.
pub async fn serve(
    listener: TcpListener,
    tls: Arc<ServerConfig>,
    server: Arc<Server>,
    mut stop: watch::Receiver<bool>,
) {
    let acceptor = TlsAcceptor::from(tls);
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(server.installation.config.max_connections));
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let (socket, peer, place) = match accepted {
            Ok(accepted) => accepted,
            Err(e) => {
                // Out of file descriptors, most likely: give the open connections time to end.
                tracing::error!(error = %e, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let _ = socket.set_nodelay(true);
        give_up_when_stalled(&socket, STALL_LIMIT);
        let (acceptor, watcher) = (acceptor.clone(), graceful.watcher());
        let server = server.clone();
        tokio::spawn(async move {
            let _place = place;
            let Ok(Ok(io)) = tokio::time::timeout(HANDSHAKE_LIMIT, open(socket, acceptor)).await else {
                tracing::debug!(client.address = %peer, "a connection ended before its first request");
                return;
            };
            let mut builder = http1::Builder::new();
            builder.timer(TokioTimer::new()).header_read_timeout(HEAD_LIMIT);
            let service = service_fn(move |request| {
                let server = server.clone();
                async move { Ok::<_, Infallible>(server.answer(request, peer).await) }
            });
            let connection = builder.serve_connection(TokioIo::new(io), service);
            if let Err(e) = watcher.watch(connection).await {
                tracing::debug!(error = %e, client.address = %peer, "a connection broke");
            }
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(DRAIN_LIMIT, graceful.shutdown()).await;
}

/// Has the kernel break the connection when what was sent has not been taken for `limit`. It knows what the reader has
/// taken; we only know when there is room in its buffer, which may be minutes apart with a slow reader that goes on.
fn give_up_when_stalled(socket: &TcpStream, limit: Duration) {
    let millis = u32::try_from(limit.as_millis()).unwrap_or(u32::MAX);
    if let Err(e) = rustix::net::sockopt::set_tcp_user_timeout(socket, millis) {
        tracing::debug!(error = %e, "the kernel does not watch for stalled readers");
    }
}

/// The next connection, once there is a place for it. Until then it waits in the kernel's queue, with those behind it.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = match places.clone().try_acquire_owned() {
        Ok(place) => place,
        Err(_) => {
            tracing::warn!("as many connections are open as limits.connections allows; the next waits until one ends");
            places.clone().acquire_owned().await.map_err(io::Error::other)?
        }
    };
    let (socket, peer) = listener.accept().await?;
    Ok((socket, peer, place))
}

async fn open(socket: TcpStream, acceptor: TlsAcceptor) -> io::Result<Io> {
    let mut first = [0_u8; 1];
    if socket.peek(&mut first).await? == 1 && first == [TLS_HANDSHAKE] {
        return Ok(Io::Tls(Box::new(acceptor.accept(socket).await?)));
    }
    Ok(Io::Plain(socket))
}

impl AsyncRead for Io {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Io::Plain(io) => Pin::new(io).poll_read(cx, buf),
            Io::Tls(io) => Pin::new(io).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Io {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Io::Plain(io) => Pin::new(io).poll_write(cx, buf),
            Io::Tls(io) => Pin::new(io).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Io::Plain(io) => Pin::new(io).poll_flush(cx),
            Io::Tls(io) => Pin::new(io).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Io::Plain(io) => Pin::new(io).poll_shutdown(cx),
            Io::Tls(io) => Pin::new(io).poll_shutdown(cx),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Io::Plain(io) => Pin::new(io).poll_write_vectored(cx, bufs),
            Io::Tls(io) => Pin::new(io).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Io::Plain(io) => io.is_write_vectored(),
            Io::Tls(io) => io.is_write_vectored(),
        }
    }
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

    #[tokio::test]
    async fn a_reader_that_takes_nothing_is_given_up() {
        let (mut writer, _reader) = connection(Duration::from_millis(200)).await;
        let e = writer.write_all(&vec![0; 64 << 20]).await.unwrap_err();
        assert_eq!(e.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_slow_reader_is_waited_for_as_long_as_it_reads() {
        let (mut writer, mut reader) = connection(Duration::from_secs(1)).await;
        let size = 8 << 20;
        let reading = tokio::spawn(async move {
            let mut buffer = vec![0; size / 12];
            for _ in 0..12 {
                reader.read_exact(&mut buffer).await.unwrap();
                // What is slow has to take its time: a dozen pauses are longer than the limit.
                tokio::time::sleep(Duration::from_millis(120)).await;
            }
            let mut rest = Vec::new();
            reader.read_to_end(&mut rest).await.unwrap();
        });
        writer.write_all(&vec![0; size]).await.unwrap();
        drop(writer);
        reading.await.unwrap();
    }
}
