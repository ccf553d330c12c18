//! One HTTP/1.1 connection, blocking.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// A request takes at most this long; then the run is over.
const TIMEOUT: Duration = Duration::from_secs(30);

/// An answer.
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The whole body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as JSON; an answer other than 2xx is an error that shows it.
    pub fn json(&self) -> Result<serde_json::Value> {
        self.expect_success()?;
        serde_json::from_slice(&self.body).context("the answer is not JSON")
    }

    /// Refuses answers other than 2xx.
    pub fn expect_success(&self) -> Result<()> {
        if !(200..300).contains(&self.status) {
            let body = String::from_utf8_lossy(&self.body);
            bail!("answered {}: {}", self.status, body.chars().take(300).collect::<String>());
        }
        Ok(())
    }
}

/// A connection that is kept open between requests.
pub struct Connection {
    address: SocketAddr,
    stream: Option<BufReader<TcpStream>>,
    /// The last body's memory: fresh memory for each would cost more than a fast answer.
    spare: Vec<u8>,
}

impl Connection {
    /// Connects at the first request.
    pub fn new(address: SocketAddr) -> Connection {
        Connection { address, stream: None, spare: Vec::new() }
    }

    /// Gives the memory of an answer back for the next one.
    pub fn done_with(&mut self, answer: Answer) {
        self.spare = answer.body;
    }

    /// Sends the bytes of a request and reads the whole answer. Reconnects once when the server closed in between.
    pub fn send(&mut self, request: &[u8]) -> Result<Answer> {
        let reused = self.stream.is_some();
        match self.attempt(request) {
            Err(_) if reused => {
                self.stream = None;
                self.attempt(request)
            }
            answer => answer,
        }
    }

    fn attempt(&mut self, request: &[u8]) -> Result<Answer> {
        if self.stream.is_none() {
            let stream = TcpStream::connect_timeout(&self.address, TIMEOUT)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(TIMEOUT))?;
            stream.set_write_timeout(Some(TIMEOUT))?;
            self.stream = Some(BufReader::with_capacity(256 * 1024, stream));
        }
        let Some(stream) = self.stream.as_mut() else { bail!("not connected") };
        let outcome = exchange(stream, request, std::mem::take(&mut self.spare));
        if !matches!(outcome, Ok((_, true))) {
            self.stream = None;
        }
        outcome.map(|(answer, _)| answer)
    }
}

/// The answer, and whether the connection may be used again.
fn exchange(stream: &mut BufReader<TcpStream>, request: &[u8], mut body: Vec<u8>) -> Result<(Answer, bool)> {
    stream.get_mut().write_all(request)?;
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let status: u16 =
        line.split(' ').nth(1).and_then(|s| s.parse().ok()).with_context(|| format!("no HTTP: {line:?}"))?;
    let (mut length, mut chunked, mut keep) = (None, false, true);
    loop {
        line.clear();
        if stream.read_line(&mut line)? == 0 {
            bail!("the connection ended inside the headers");
        }
        let header = line.trim_end().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = Some(value.trim().parse::<usize>()?);
        } else if header.starts_with("transfer-encoding:") {
            chunked = header.ends_with("chunked");
        } else if header.starts_with("connection:") {
            keep = !header.ends_with("close");
        }
    }
    if chunked {
        body.clear();
        read_chunks(stream, &mut body)?;
    } else if let Some(length) = length {
        body.resize(length, 0);
        stream.read_exact(&mut body)?;
    } else if status == 204 || status == 304 {
        body.clear();
    } else {
        body.clear();
        stream.read_to_end(&mut body)?;
        keep = false;
    }
    Ok((Answer { status, body }, keep))
}

fn read_chunks(stream: &mut BufReader<TcpStream>, body: &mut Vec<u8>) -> Result<()> {
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let size = usize::from_str_radix(line.trim().split(';').next().unwrap_or_default(), 16)?;
        let start = body.len();
        body.resize(start + size, 0);
        if let Some(rest) = body.get_mut(start..) {
            stream.read_exact(rest)?;
        }
        line.clear();
        stream.read_line(&mut line)?;
        if size == 0 {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn answered_with(bytes: &'static [u8]) -> Answer {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 4];
            stream.read_exact(&mut request).unwrap();
            stream.write_all(bytes).unwrap();
        });
        let answer = Connection::new(address).send(b"GET ").unwrap();
        server.join().unwrap();
        answer
    }

    #[test]
    fn bodies_are_read_by_length_in_chunks_and_to_the_end() {
        assert_eq!(answered_with(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc").body, b"abc");
        let chunked = b"HTTP/1.1 404 No\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n";
        let answer = answered_with(chunked);
        assert_eq!((answer.status, answer.body), (404, b"abc".to_vec()));
        assert_eq!(answered_with(b"HTTP/1.0 200 OK\r\n\r\nabc").body, b"abc");
    }
}
