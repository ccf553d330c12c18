//! A connection's bytes, once it is known whether they are TLS.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_rustls::server::TlsStream;

use super::places::Seat;

/// How long what a client still sends is read after the answer, at most.
const LINGER_LIMIT: Duration = Duration::from_secs(30);
/// How long it may be silent meanwhile.
const LINGER_SILENCE: Duration = Duration::from_secs(2);
/// Read and forgotten at once.
const LINGER_BYTES: usize = 16 << 10;

/// A connection after it is known what it speaks.
pub(super) struct Io {
    stream: Stream,
    seat: Arc<Seat>,
    linger: Option<Linger>,
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// The last moments of a connection whose client still sends. Who closes a socket with unread bytes in it resets the
/// connection, and a reset overtakes the answer: the client would never see why it was refused.
struct Linger {
    until: Instant,
    silence: Pin<Box<Sleep>>,
}

impl Io {
    pub fn plain(stream: TcpStream, seat: Arc<Seat>) -> Self {
        Io { stream: Stream::Plain(stream), seat, linger: None }
    }

    pub fn tls(stream: TlsStream<TcpStream>, seat: Arc<Seat>) -> Self {
        Io { stream: Stream::Tls(Box::new(stream)), seat, linger: None }
    }

    fn stream(&mut self) -> Pin<&mut dyn Both> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream),
            Stream::Tls(stream) => Pin::new(&mut **stream),
        }
    }

    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut bytes = [0; LINGER_BYTES];
        loop {
            let mut buf = ReadBuf::new(&mut bytes);
            let read = self.stream().poll_read(cx, &mut buf);
            let Some(Linger { until, silence }) = &mut self.linger else { return Poll::Ready(()) };
            match read {
                Poll::Ready(Ok(())) if !buf.filled().is_empty() => {
                    let now = Instant::now();
                    if now >= *until {
                        return Poll::Ready(());
                    }
                    silence.as_mut().reset((now + LINGER_SILENCE).min(*until));
                }
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return silence.as_mut().poll(cx),
            }
        }
    }
}

trait Both: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Both for T {}

impl AsyncRead for Io {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.get_mut().stream().poll_read(cx, buf)
    }
}

impl AsyncWrite for Io {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = ready!(this.stream().poll_write(cx, buf));
        this.seat.moved(Instant::now());
        Poll::Ready(written)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().stream().poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.linger.is_none() {
            ready!(this.stream().poll_shutdown(cx))?;
            if !this.seat.is_unread() {
                return Poll::Ready(Ok(()));
            }
            let now = Instant::now();
            let silence = Box::pin(sleep_until(now + LINGER_SILENCE));
            this.linger = Some(Linger { until: now + LINGER_LIMIT, silence });
        }
        this.poll_linger(cx).map(Ok)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = ready!(this.stream().poll_write_vectored(cx, bufs));
        this.seat.moved(Instant::now());
        Poll::Ready(written)
    }

    fn is_write_vectored(&self) -> bool {
        match &self.stream {
            Stream::Plain(stream) => stream.is_write_vectored(),
            Stream::Tls(stream) => stream.is_write_vectored(),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::super::places::Places;
    use super::*;

    #[tokio::test]
    async fn a_client_that_sends_to_its_end_before_it_listens_hears_the_answer() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (socket, peer) = listener.accept().await.unwrap();
        let place = Places::new(1).take(peer.ip()).await;
        let mut io = Io::plain(socket, place.seat().clone());
        place.seat().leave_unread();
        let sending = tokio::spawn(async move {
            client.write_all(&vec![0; 64 << 20]).await.unwrap();
            let mut heard = String::new();
            client.read_to_string(&mut heard).await.unwrap();
            heard
        });
        io.write_all(b"no").await.unwrap();
        io.shutdown().await.unwrap();
        drop(io);
        assert_eq!(sending.await.unwrap(), "no");
    }
}
