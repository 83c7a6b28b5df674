//! A server on a socket that answers each request as a test wants it, or does not.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::Value;

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) head: String,
    pub(crate) json: Value,
}

/// What the server does with a request.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// A status, lines of headers that each end with `\r\n`, and a body.
    Answer(u16, String, String),
    /// Bytes that are no HTTP.
    Garbage,
    /// The connection ends before an answer.
    Drop,
    /// It ends in the middle of one that says 200.
    Truncated,
    /// Nothing, for as long as the sender waits.
    Hang,
}

type Answers = Arc<dyn Fn(&Received) -> Reply + Send + Sync>;

pub(crate) struct Scripted {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Scripted {
    pub(crate) fn start(answer: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::new(Mutex::new(Vec::new()));
        let (answers, log): (Answers, _) = (Arc::new(answer), Arc::clone(&received));
        // It ends with the process: nobody waits for it.
        thread::spawn(move || {
            for socket in listener.incoming() {
                let (answers, log) = (Arc::clone(&answers), Arc::clone(&log));
                thread::spawn(move || serve(&socket.unwrap(), &answers, &log));
            }
        });
        Self { address, received }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

impl Reply {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::Answer(status, "content-type: application/json\r\n".into(), body.to_string())
    }

    /// A status with a `Retry-After` of no time at all.
    pub(crate) fn at_once(status: u16, body: &Value) -> Self {
        Self::Answer(status, "retry-after: 0\r\n".into(), body.to_string())
    }
}

/// Answers one request after the other, until either side has enough.
fn serve(socket: &TcpStream, answers: &Answers, log: &Mutex<Vec<Received>>) {
    let mut reader = BufReader::new(socket);
    while let Some(received) = read(&mut reader) {
        let reply = answers(&received);
        log.lock().unwrap().push(received);
        let mut socket = socket;
        // The sender may be gone.
        let _sent = match reply {
            Reply::Answer(status, headers, body) => {
                let n_bytes = body.len();
                write!(
                    socket,
                    "HTTP/1.1 {status} x\r\ncontent-length: {n_bytes}\r\n{headers}\r\n{body}"
                )
            }
            Reply::Garbage => return drop(socket.write_all(b"\x00\x16\x03 what?\r\n\r\n")),
            Reply::Drop => return,
            Reply::Truncated => {
                return drop(
                    socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"code\":"),
                );
            }
            Reply::Hang => {
                let _until_it_is_gone = socket.read(&mut [0; 64]);
                return;
            }
        };
    }
}

fn read(reader: &mut BufReader<&TcpStream>) -> Option<Received> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let head = head.to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.unwrap().trim().parse().unwrap()];
    reader.read_exact(&mut body).ok()?;
    Some(Received { head, json: serde_json::from_slice(&body).unwrap() })
}
