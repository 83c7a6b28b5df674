use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

/// Asks a server over HTTP, and gives the JSON it answers with 200.
pub(super) fn get(address: SocketAddr, key: &str, path: &str) -> io::Result<Value> {
    let mut socket = TcpStream::connect(address)?;
    let head = format!(
        "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\nauthorization: Bearer {key}\r\n\r\n"
    );
    socket.write_all(head.as_bytes())?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer)?;
    let wrong = || io::Error::other(format!("GET {path}: {answer}"));
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(wrong)?;
    if head.split(' ').nth(1) != Some("200") {
        return Err(wrong());
    }
    serde_json::from_str(body).map_err(|_not_json| wrong())
}
