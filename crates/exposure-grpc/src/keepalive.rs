use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use h2::{Ping, PingPong};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// Asks a connection that says nothing whether it is still there.
#[derive(Debug)]
pub(crate) struct Keepalive {
    heard: Arc<AtomicBool>,
    pings: Option<PingPong>,
    interval: Duration,
    timeout: Duration,
    asked: bool,
    alarm: Pin<Box<Sleep>>,
}

/// A connection's bytes; notes that there were some.
#[derive(Debug)]
pub(crate) struct Heard<IO> {
    io: IO,
    heard: Arc<AtomicBool>,
}

impl<IO> Heard<IO> {
    pub(crate) fn new(io: IO) -> Self {
        Self { io, heard: Arc::default() }
    }

    /// To be asked after each interval in which nothing was heard, with the timeout to answer.
    pub(crate) fn keepalive(&self, interval: Duration, timeout: Duration) -> Keepalive {
        Keepalive {
            heard: Arc::clone(&self.heard),
            pings: None,
            interval,
            timeout,
            asked: false,
            alarm: Box::pin(tokio::time::sleep(interval)),
        }
    }
}

impl Keepalive {
    /// How the connection is asked.
    pub(crate) fn ask_with(&mut self, pings: Option<PingPong>) {
        self.pings = pings;
    }

    /// Whether it was asked and did not say anything in time.
    pub(crate) fn is_dead(&mut self, context: &mut Context<'_>) -> bool {
        while self.alarm.as_mut().poll(context).is_ready() {
            let was_heard = self.heard.swap(false, Ordering::Relaxed);
            if self.asked && !was_heard {
                return true;
            }
            self.asked = !was_heard;
            let wait = if self.asked { self.ask(context) } else { self.interval };
            self.alarm.as_mut().reset(Instant::now() + wait);
        }
        false
    }

    fn ask(&mut self, context: &mut Context<'_>) -> Duration {
        if let Some(pings) = &mut self.pings {
            // The answer to the one before, which has come: it was heard.
            let _answered = pings.poll_pong(context).is_ready();
            let _sent = pings.send_ping(Ping::opaque()).is_ok();
        }
        self.timeout
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Heard<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.io).poll_read(context, buffer);
        if before < buffer.filled().len() {
            self.heard.store(true, Ordering::Relaxed);
        }
        read
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Heard<IO> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}
