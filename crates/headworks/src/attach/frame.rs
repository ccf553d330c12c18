//! A frame: a letter, the length of the rest in four bytes (big-endian), the rest.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// The protocol that a request asks to go over to.
pub const PROTOCOL: &str = "headworks-attach";
/// What the user sits at: rows, columns, and `quiet` when nobody types there.
pub const WINDOW_HEADER: &str = "x-headworks-window";
/// `TERM`.
pub const TERM_HEADER: &str = "x-headworks-term";

/// More than any frame has.
const MAX_LEN: u32 = 1 << 20;

/// What one end tells the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// What was typed, or what the shell wrote.
    Bytes(Vec<u8>),
    /// The window has this size now.
    Size { rows: u16, columns: u16 },
    /// The shell ended with this status; whether the job ended with it.
    Ended { status: i32, job_is_over: bool },
}

/// Writes a frame.
pub async fn write(stream: &mut (impl AsyncWrite + Unpin), frame: &Frame) -> io::Result<()> {
    let (letter, rest) = match frame {
        Frame::Bytes(bytes) => (b'B', bytes.clone()),
        Frame::Size { rows, columns } => (b'S', [rows.to_be_bytes(), columns.to_be_bytes()].concat()),
        Frame::Ended { status, job_is_over } => (b'E', [&status.to_be_bytes()[..], &[u8::from(*job_is_over)]].concat()),
    };
    let len = u32::try_from(rest.len()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    let mut bytes = vec![letter];
    bytes.extend_from_slice(&len.to_be_bytes());
    bytes.extend_from_slice(&rest);
    stream.write_all(&bytes).await?;
    stream.flush().await
}

/// Reads a frame; `None` at the end. To be dropped only with the stream: half a frame would be lost.
pub async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Frame>> {
    let letter = match stream.read_u8().await {
        Ok(letter) => letter,
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(e) => return Err(e),
    };
    let bad = || io::Error::new(io::ErrorKind::InvalidData, "what came over the connection is no frame");
    let len = stream.read_u32().await?;
    if len > MAX_LEN {
        return Err(bad());
    }
    let mut rest = vec![0; len as usize];
    stream.read_exact(&mut rest).await?;
    match (letter, rest.as_slice()) {
        (b'B', _) => Ok(Some(Frame::Bytes(rest))),
        (b'S', [r0, r1, c0, c1]) => {
            Ok(Some(Frame::Size { rows: u16::from_be_bytes([*r0, *r1]), columns: u16::from_be_bytes([*c0, *c1]) }))
        }
        (b'E', [s0, s1, s2, s3, over]) => {
            let status = i32::from_be_bytes([*s0, *s1, *s2, *s3]);
            Ok(Some(Frame::Ended { status, job_is_over: *over != 0 }))
        }
        _ => Err(bad()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_written_is_read_and_nonsense_is_refused() {
        let (mut one, mut other) = tokio::io::duplex(1 << 16);
        let frames = [
            Frame::Bytes(b"ls\r".to_vec()),
            Frame::Size { rows: 40, columns: 132 },
            Frame::Ended { status: -1, job_is_over: true },
        ];
        for frame in &frames {
            write(&mut one, frame).await.unwrap();
        }
        for frame in frames {
            assert_eq!(read(&mut other).await.unwrap(), Some(frame));
        }
        for bad in [&b"S\0\0\0\x01x"[..], b"B\xff\xff\xff\xff", b"GET / HTTP/1.1\r\n\r\n"] {
            let mut bytes = bad;
            assert!(read(&mut bytes).await.is_err(), "{bad:?}");
        }
        drop(one);
        assert_eq!(read(&mut other).await.unwrap(), None);
    }
}
