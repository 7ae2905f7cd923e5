//! A kept-alive connection that asks and reads the answer: as little HTTP as that takes, since whoever measures shares the
//! processor with what is measured.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// No answer of ours is as large: whatever is has gone wrong.
const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;

/// A connection to a program.
pub struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

/// The answer to a request.
pub struct Answer<'c> {
    pub status: u16,
    pub body: &'c [u8],
}

/// What the head of an answer says of the rest.
struct Head {
    status: u16,
    body_from: usize,
    body_to: usize,
}

impl Connection {
    pub async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, received: Vec::with_capacity(64 * 1024) })
    }

    /// Sends a request and reads the whole answer.
    pub async fn ask(&mut self, request: &[u8]) -> io::Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        self.received.clear();
        let head = loop {
            self.read_on().await?;
            if let Some(head) = head(&self.received)? {
                break head;
            }
        };
        while self.received.len() < head.body_to {
            self.read_on().await?;
        }
        Ok(Answer { status: head.status, body: &self.received[head.body_from..head.body_to] })
    }

    async fn read_on(&mut self) -> io::Result<()> {
        if self.received.len() > MAX_ANSWER_BYTES {
            return Err(io::Error::other("an answer without an end"));
        }
        match self.stream.read_buf(&mut self.received).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

/// The head, once all of it is there.
fn head(received: &[u8]) -> io::Result<Option<Head>> {
    let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(None);
    };
    let text = std::str::from_utf8(&received[..end]).map_err(io::Error::other)?;
    let mut lines = text.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let length = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let body_from = end + 4;
    match (status, length) {
        (Some(status), Some(length)) => Ok(Some(Head { status, body_from, body_to: body_from + length })),
        _ => Err(io::Error::other(format!("an answer without a status or a length: {text}"))),
    }
}
