//! A name server for builds: names of AWS's hosts that are ours lead to the front, and every other question goes to the
//! name servers of this machine, with their answer as it is (RFC 1035).

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use platform::Cx;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::names::is_ours;

const MAX_UDP: usize = 4096;
const TTL_SECONDS: u32 = 5;
const UPSTREAM_LIMIT: Duration = Duration::from_secs(4);
const CLIENT_LIMIT: Duration = Duration::from_secs(10);
/// Questions answered at the same time.
const MAX_OPEN: usize = 256;

const TYPE_A: u16 = 1;
const CLASS_IN: u16 = 1;
const NOT_IMPLEMENTED: u8 = 4;
const SERVER_FAILURE: u8 = 2;

/// Answers questions until it is dropped.
pub(crate) async fn answer_names(cx: Cx, address: Ipv4Addr, udp: UdpSocket, tcp: TcpListener) {
    let open = Arc::new(Semaphore::new(MAX_OPEN));
    let names = Names { cx, address };
    tokio::join!(over_udp(names.clone(), udp, open.clone()), over_tcp(names, tcp, open));
}

#[derive(Clone)]
struct Names {
    cx: Cx,
    address: Ipv4Addr,
}

async fn over_udp(names: Names, socket: UdpSocket, open: Arc<Semaphore>) {
    let socket = Arc::new(socket);
    let mut buffer = [0; MAX_UDP];
    loop {
        let Ok(permit) = open.clone().acquire_owned().await else { return };
        let (len, peer) = match socket.recv_from(&mut buffer).await {
            Ok(received) => received,
            Err(e) => {
                // An earlier answer found nobody, most likely.
                tracing::debug!(error = %e, "a question for a name was not received");
                continue;
            }
        };
        let query = buffer.get(..len).unwrap_or_default().to_vec();
        let (names, socket) = (names.clone(), socket.clone());
        tokio::spawn(async move {
            if let Some(answer) = names.answer(&query, Transport::Udp).await {
                let _ = socket.send_to(&answer, peer).await;
            }
            drop(permit);
        });
    }
}

async fn over_tcp(names: Names, listener: TcpListener, open: Arc<Semaphore>) {
    loop {
        let Ok(permit) = open.clone().acquire_owned().await else { return };
        let Ok((mut stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let names = names.clone();
        tokio::spawn(async move {
            while let Ok(Ok(query)) = timeout(CLIENT_LIMIT, read_message(&mut stream)).await {
                let Some(answer) = names.answer(&query, Transport::Tcp).await else { break };
                if write_message(&mut stream, &answer).await.is_err() {
                    break;
                }
            }
            drop(permit);
        });
    }
}

#[derive(Clone, Copy)]
enum Transport {
    Udp,
    Tcp,
}

impl Names {
    /// `None`: it is no question, so it gets no answer.
    async fn answer(&self, query: &[u8], transport: Transport) -> Option<Vec<u8>> {
        let question = Question::parse(query)?;
        match is_ours(&self.cx, &question.name).await {
            Ok(true) => return Some(question.answer(query, self.address)),
            Ok(false) => {}
            Err(e) => {
                tracing::warn!(error = %e, "the database does not say whether a bucket is ours");
                return Some(question.refusal(query, SERVER_FAILURE));
            }
        }
        for server in upstream(self.address).await {
            let asked = match transport {
                Transport::Udp => timeout(UPSTREAM_LIMIT, ask_udp(server, query)).await,
                Transport::Tcp => timeout(UPSTREAM_LIMIT, ask_tcp(server, query)).await,
            };
            if let Ok(Ok(answer)) = asked {
                return Some(answer);
            }
        }
        Some(question.refusal(query, SERVER_FAILURE))
    }
}

/// The name servers of this machine, but for ourselves.
async fn upstream(own: Ipv4Addr) -> Vec<SocketAddr> {
    let text = tokio::fs::read_to_string("/etc/resolv.conf").await.unwrap_or_default();
    let servers = text.lines().filter_map(|line| line.trim().strip_prefix("nameserver"));
    let addresses = servers.filter_map(|server| server.trim().parse::<IpAddr>().ok());
    addresses.filter(|address| *address != IpAddr::V4(own)).map(|address| SocketAddr::new(address, 53)).collect()
}

async fn ask_udp(server: SocketAddr, query: &[u8]) -> io::Result<Vec<u8>> {
    let any: SocketAddr = match server {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (std::net::Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(server).await?;
    socket.send(query).await?;
    let mut buffer = [0; MAX_UDP];
    loop {
        let len = socket.recv(&mut buffer).await?;
        let answer = buffer.get(..len).unwrap_or_default();
        // Something that answers another question is a forgery, or late.
        if answer.get(..2) == query.get(..2) {
            return Ok(answer.to_vec());
        }
    }
}

async fn ask_tcp(server: SocketAddr, query: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(server).await?;
    write_message(&mut stream, query).await?;
    read_message(&mut stream).await
}

async fn read_message(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let len = stream.read_u16().await?;
    let mut message = vec![0; usize::from(len)];
    stream.read_exact(&mut message).await?;
    Ok(message)
}

async fn write_message(stream: &mut TcpStream, message: &[u8]) -> io::Result<()> {
    let len = u16::try_from(message.len()).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
    stream.write_all(&[&len.to_be_bytes()[..], message].concat()).await
}

/// What is asked.
#[derive(Debug, PartialEq)]
struct Question {
    name: String,
    kind: u16,
    class: u16,
    opcode: u8,
    /// Where the question ends in the message.
    end: usize,
}

impl Question {
    fn parse(query: &[u8]) -> Option<Question> {
        let flags = *query.get(2)?;
        let count = u16::from_be_bytes([*query.get(4)?, *query.get(5)?]);
        // An answer, or more than one question, which nobody asks.
        if flags & 0x80 != 0 || count != 1 {
            return None;
        }
        let mut labels: Vec<String> = Vec::new();
        let mut at = 12;
        loop {
            let len = usize::from(*query.get(at)?);
            // Questions are not compressed, and labels have at most 63 bytes.
            if len > 63 {
                return None;
            }
            at += 1;
            if len == 0 {
                break;
            }
            labels.push(String::from_utf8_lossy(query.get(at..at + len)?).into_owned());
            at += len;
        }
        let number = |at: usize| Some(u16::from_be_bytes([*query.get(at)?, *query.get(at + 1)?]));
        let (kind, class) = (number(at)?, number(at + 2)?);
        Some(Question { name: labels.join("."), kind, class, opcode: (flags >> 3) & 0xF, end: at + 4 })
    }

    /// The front's address, or nothing when another kind of record is asked for.
    fn answer(&self, query: &[u8], address: Ipv4Addr) -> Vec<u8> {
        if self.opcode != 0 {
            return self.refusal(query, NOT_IMPLEMENTED);
        }
        let has_answer = self.kind == TYPE_A && self.class == CLASS_IN;
        let mut out = self.head(query, 0, u8::from(has_answer));
        if has_answer {
            // The name is the one at byte 12.
            out.extend_from_slice(&[0xC0, 12]);
            out.extend_from_slice(&TYPE_A.to_be_bytes());
            out.extend_from_slice(&CLASS_IN.to_be_bytes());
            out.extend_from_slice(&TTL_SECONDS.to_be_bytes());
            out.extend_from_slice(&4_u16.to_be_bytes());
            out.extend_from_slice(&address.octets());
        }
        out
    }

    fn refusal(&self, query: &[u8], code: u8) -> Vec<u8> {
        self.head(query, code, 0)
    }

    /// Identifier, flags and counts, and the question again.
    fn head(&self, query: &[u8], code: u8, answers: u8) -> Vec<u8> {
        let mut out = query.get(..self.end).unwrap_or_default().to_vec();
        // An answer, to what was asked as it was asked; recursion is available.
        let first = 0x80 | (query.get(2).copied().unwrap_or_default() & 0x79);
        for (at, byte) in [(2, first), (3, 0x80 | code), (6, 0), (7, answers), (8, 0), (9, 0), (10, 0), (11, 0)] {
            if let Some(slot) = out.get_mut(at) {
                *slot = byte;
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(name: &str, kind: u16) -> Vec<u8> {
        let mut out = vec![0xAB, 0xCD, 0x01, 0x20, 0, 1, 0, 0, 0, 0, 0, 1];
        for label in name.split('.') {
            out.push(u8::try_from(label.len()).unwrap());
            out.extend_from_slice(label.as_bytes());
        }
        out.push(0);
        out.extend_from_slice(&kind.to_be_bytes());
        out.extend_from_slice(&[0, 1]);
        // An option record, as the C library sends it.
        out.extend_from_slice(&[0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]);
        out
    }

    #[test]
    fn a_question_is_read_and_answered_with_the_address() {
        let query = query("sts.amazonaws.com", TYPE_A);
        let question = Question::parse(&query).unwrap();
        assert_eq!((question.name.as_str(), question.kind, question.class), ("sts.amazonaws.com", 1, 1));
        let answer = question.answer(&query, Ipv4Addr::new(127, 77, 1, 2));
        assert_eq!(answer[..4], [0xAB, 0xCD, 0x81, 0x80]);
        assert_eq!(answer[4..12], [0, 1, 0, 1, 0, 0, 0, 0]);
        assert!(answer.ends_with(&[0, 1, 0, 1, 0, 0, 0, 5, 0, 4, 127, 77, 1, 2]));
    }

    #[test]
    fn another_kind_of_record_has_an_empty_answer_and_no_error() {
        let query = query("sts.amazonaws.com", 28);
        let answer = Question::parse(&query).unwrap().answer(&query, Ipv4Addr::LOCALHOST);
        assert_eq!((answer[3] & 0xF, answer[7], answer.len()), (0, 0, query.len() - 11));
    }

    #[test]
    fn garbage_is_no_question() {
        let good = query("a.b", TYPE_A);
        let question_len = good.len() - 11;
        for len in 0..question_len {
            assert_eq!(Question::parse(&good[..len]), None, "{len}");
        }
        let mut answer = good.clone();
        answer[2] |= 0x80;
        assert_eq!(Question::parse(&answer), None);
        let mut pointer = good;
        pointer[12] = 0xC0;
        assert_eq!(Question::parse(&pointer), None);
    }
}
