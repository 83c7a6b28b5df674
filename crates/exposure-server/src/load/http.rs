use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::failure::{Failure, Result};

/// A connection that is kept alive: one request after the other, as bytes.
#[derive(Debug)]
pub(super) struct HttpConnection {
    socket: TcpStream,
    answer: Vec<u8>,
}

/// An answer, as far as it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answer<'a> {
    pub(super) status: u16,
    pub(super) body: &'a [u8],
}

impl HttpConnection {
    pub(super) async fn open(address: &str) -> Result<Self> {
        let socket = TcpStream::connect(authority(address)).await.map_err(|error| {
            Failure::failed(format!(
                "can not reach {address}: {error}; is `exposure serve` running there?"
            ))
        })?;
        socket.set_nodelay(true).map_err(Failure::failed)?;
        Ok(Self { socket, answer: Vec::new() })
    }

    /// Sends a whole request, and waits for the whole answer.
    pub(super) async fn exchange(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        let broken = |error| Failure::failed(format!("a connection broke: {error}"));
        self.socket.write_all(request).await.map_err(broken)?;
        self.answer.clear();
        loop {
            if let Some(Head { status, length, end }) = head(&self.answer)?
                && end + length <= self.answer.len()
            {
                let body = self.answer.get(end..end + length).unwrap_or_default();
                return Ok(Answer { status, body });
            }
            if self.socket.read_buf(&mut self.answer).await.map_err(broken)? == 0 {
                return Err(Failure::failed("the server ended a connection"));
            }
        }
    }
}

/// The host and port of an address, which may be a URL.
pub(super) fn authority(address: &str) -> &str {
    let rest = address.strip_prefix("http://").unwrap_or(address);
    rest.split_once('/').map_or(rest, |(authority, _)| authority)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    /// Of the body.
    length: usize,
    /// Where the body begins.
    end: usize,
}

/// The head of an answer, once it is whole.
fn head(answer: &[u8]) -> Result<Option<Head>> {
    let Some(at) = memchr::memmem::find(answer, b"\r\n\r\n") else { return Ok(None) };
    let unknown = || Failure::failed("the server's answer is not HTTP/1.1 with a length");
    let text = answer.get(..at).and_then(|head| std::str::from_utf8(head).ok());
    let mut lines = text.ok_or_else(unknown)?.split("\r\n");
    let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 "));
    let status = status.and_then(|line| line.get(..3)?.parse().ok()).ok_or_else(unknown)?;
    let length = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse().ok())
        .ok_or_else(unknown)?;
    Ok(Some(Head { status, length, end: at + 4 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_read_once_they_are_whole() {
        let answer =
            b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 1\r\nContent-Length: 2\r\n\r\n{}";
        let found = head(answer).unwrap().unwrap();
        assert_eq!((found.status, found.length), (429, 2));
        assert_eq!(&answer[found.end..], b"{}");
        for length in 0..found.end {
            assert_eq!(head(&answer[..length]).unwrap(), None, "{length}");
        }
        for other in [&b"HTTP/1.0 200 OK\r\n\r\n"[..], b"HTTP/1.1 200 OK\r\n\r\n", b"\xff\r\n\r\n"]
        {
            assert!(head(other).is_err());
        }
    }

    #[test]
    fn an_address_may_be_a_url() {
        for address in ["127.0.0.1:7071", "http://127.0.0.1:7071", "http://127.0.0.1:7071/"] {
            assert_eq!(authority(address), "127.0.0.1:7071");
        }
    }
}
