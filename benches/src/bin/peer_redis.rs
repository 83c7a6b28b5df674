//! Load for Redis: registers, of which the newest write stands.
//!
//! `peer_redis --port PORT [--preload] [--connections N] [--batch N] [--seconds N] [--registers N]`
//! It speaks the protocol itself: requests are written into one buffer, and answers are one number.
#![expect(clippy::print_stdout, reason = "the report is what this program is for")]

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use exposure_benches::peer::{Options, Registers, Tally, Write, report};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// A user is a hash, its flags are fields; a value is the time in 16 digits and the variant. Texts of one length compare
/// as their numbers do.
const FUNCTION: &str = "#!lua name=registers
redis.register_function('write_newer', function(keys, args)
  local n = 0
  for i, key in ipairs(keys) do
    local field, value = args[2 * i - 1], args[2 * i]
    local old = redis.call('HGET', key, field)
    if not old or string.sub(old, 1, 16) < string.sub(value, 1, 16) then
      redis.call('HSET', key, field, value)
      n = n + 1
    end
  end
  return n
end)";

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::from_args()?;
    let mut connection = Connection::open(options.port).await?;
    connection.call(&[b"FUNCTION", b"LOAD", b"REPLACE", FUNCTION.as_bytes()]).await?;
    if options.preload {
        connection.call(&[b"CONFIG", b"SET", b"appendfsync", b"no"]).await?;
    }
    let (next, mut workers) = (Arc::new(AtomicU64::new(0)), JoinSet::new());
    for worker in 0..if options.preload { 2 } else { options.connections } {
        let connection = Connection::open(options.port).await?;
        workers.spawn(work(connection, options.clone(), worker, Arc::clone(&next)));
    }
    let (mut tally, start) = (Tally::new()?, Instant::now());
    while let Some(worker) = workers.join_next().await {
        tally.add(&worker??)?;
    }
    let elapsed = start.elapsed();
    if options.preload {
        connection.call(&[b"CONFIG", b"SET", b"appendfsync", b"always"]).await?;
    }
    println!("{}", report(&tally, elapsed));
    Ok(())
}

async fn work(
    mut connection: Connection,
    options: Options,
    worker: u64,
    next: Arc<AtomicU64>,
) -> Result<Tally> {
    let mut registers = Registers::new(options.registers, worker);
    let (mut writes, mut tally, start) = (Vec::new(), Tally::new()?, Instant::now());
    while options.preload || start.elapsed() < options.duration {
        if options.preload {
            let first = next.fetch_add(1000, Ordering::Relaxed);
            if options.registers <= first {
                break;
            }
            writes.clear();
            let to = options.registers.min(first + 1000);
            writes.extend(
                (first..to).map(|register| Write { register, time_us: 1_000_000_000_000_000 }),
            );
        } else {
            registers.draw_all(options.batch, &mut writes);
        }
        let sent = Instant::now();
        connection.write_newer(&writes).await?;
        tally.answered(writes.len() as u64, sent.elapsed());
    }
    Ok(tally)
}

/// A connection with one request under way.
#[derive(Debug)]
struct Connection {
    stream: BufReader<TcpStream>,
    request: Vec<u8>,
    answer: String,
}

impl Connection {
    async fn open(port: u16) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        let mut opened =
            Self { stream: BufReader::new(stream), request: Vec::new(), answer: String::new() };
        // The port is open before the log is read.
        while opened.call(&[b"PING"]).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(opened)
    }

    async fn write_newer(&mut self, writes: &[Write]) -> Result<()> {
        self.request.clear();
        let n_words = 3 + 3 * writes.len();
        write!(self.request, "*{n_words}\r\n")?;
        let n_keys = writes.len().to_string();
        for word in [&b"FCALL"[..], b"write_newer", n_keys.as_bytes()] {
            push(&mut self.request, word)?;
        }
        for write in writes {
            push(&mut self.request, write.user().as_bytes())?;
        }
        for write in writes {
            push(&mut self.request, write.flag().as_bytes())?;
            let value = format!("{:016}{}", write.time_us, write.variant());
            push(&mut self.request, value.as_bytes())?;
        }
        self.ask().await
    }

    async fn call(&mut self, words: &[&[u8]]) -> Result<()> {
        self.request.clear();
        write!(self.request, "*{}\r\n", words.len())?;
        for word in words {
            push(&mut self.request, word)?;
        }
        self.ask().await
    }

    /// Sends the request and reads an answer of one value.
    async fn ask(&mut self) -> Result<()> {
        self.stream.write_all(&self.request).await?;
        self.line().await?;
        match self.answer.as_bytes().first() {
            Some(b'+' | b':') => Ok(()),
            // The name of what was loaded.
            Some(b'$') => self.line().await,
            _ => Err(format!("Redis answers: {}", self.answer.trim()).into()),
        }
    }

    async fn line(&mut self) -> Result<()> {
        self.answer.clear();
        let n_bytes = self.stream.read_line(&mut self.answer).await?;
        if n_bytes == 0 { Err("Redis ended the connection".into()) } else { Ok(()) }
    }
}

fn push(request: &mut Vec<u8>, word: &[u8]) -> Result<()> {
    write!(request, "${}\r\n", word.len())?;
    request.extend_from_slice(word);
    request.extend_from_slice(b"\r\n");
    Ok(())
}
