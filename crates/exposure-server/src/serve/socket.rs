use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use exposure_http::{Connection, Security};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};
use tokio_rustls::server::TlsStream;
use tokio_rustls::{Accept, TlsAcceptor};

/// How connections speak TLS, where they do.
#[derive(Clone)]
pub(super) struct Secure {
    pub(super) acceptor: TlsAcceptor,
    /// How long a client may take to say its first byte and finish the handshake.
    pub(super) timeout: Duration,
}

/// A connection that may speak TLS: its first byte tells, which no method of HTTP shares.
///
/// The handshake is part of the first read or write, so that an accepted connection counts
/// against the bounds of its transport from the beginning.
#[derive(Debug)]
pub(super) struct Socket {
    state: State,
    security: Security,
}

enum State {
    /// Nothing was received yet.
    Silent(Box<Silent>),
    Handshake(Box<Handshake>),
    Plain(TcpStream),
    Secure(Box<TlsStream<TcpStream>>),
    /// It ended before it began.
    Failed,
}

struct Silent {
    socket: TcpStream,
    acceptor: TlsAcceptor,
    deadline: Pin<Box<Sleep>>,
}

struct Handshake {
    accept: Accept<TcpStream>,
    deadline: Pin<Box<Sleep>>,
}

impl Connection for Socket {
    fn security(&self) -> Security {
        self.security.clone()
    }
}

/// The type of a TLS record that begins a handshake.
const HANDSHAKE: u8 = 0x16;

impl Socket {
    pub(super) fn new(socket: TcpStream, secure: Option<&Secure>) -> Self {
        let state = match secure {
            None => State::Plain(socket),
            Some(Secure { acceptor, timeout }) => {
                let (acceptor, deadline) = (acceptor.clone(), Box::pin(sleep(*timeout)));
                State::Silent(Box::new(Silent { socket, acceptor, deadline }))
            }
        };
        Self { state, security: Security::default() }
    }

    /// Ready once it is known what is spoken, and the handshake made where there is one.
    fn poll_begun(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let next = match std::mem::replace(&mut self.state, State::Failed) {
                begun @ (State::Plain(_) | State::Secure(_)) => {
                    self.state = begun;
                    return Poll::Ready(Ok(()));
                }
                State::Silent(silent) => silent.poll(context),
                State::Handshake(handshake) => handshake.poll(context),
                State::Failed => Step::Failed(io::ErrorKind::NotConnected.into()),
            };
            match next {
                Step::On(state) => {
                    if matches!(state, State::Secure(_)) {
                        self.security.set();
                    }
                    self.state = state;
                }
                Step::Wait(state) => {
                    self.state = state;
                    return Poll::Pending;
                }
                Step::Failed(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

/// How a state goes on.
enum Step {
    On(State),
    Wait(State),
    Failed(io::Error),
}

impl Silent {
    fn poll(mut self: Box<Self>, context: &mut Context<'_>) -> Step {
        let mut first = [0];
        match self.socket.poll_peek(context, &mut ReadBuf::new(&mut first)) {
            Poll::Ready(Ok(1..)) if first == [HANDSHAKE] => {
                let Self { socket, acceptor, deadline } = *self;
                let accept = acceptor.accept(socket);
                Step::On(State::Handshake(Box::new(Handshake { accept, deadline })))
            }
            // Also where it ended in silence: whoever reads learns of it.
            Poll::Ready(Ok(_)) => Step::On(State::Plain(self.socket)),
            Poll::Ready(Err(error)) => Step::Failed(error),
            Poll::Pending if self.deadline.as_mut().poll(context).is_ready() => {
                Step::Failed(overdue())
            }
            Poll::Pending => Step::Wait(State::Silent(self)),
        }
    }
}

impl Handshake {
    fn poll(mut self: Box<Self>, context: &mut Context<'_>) -> Step {
        match Pin::new(&mut self.accept).poll(context) {
            Poll::Ready(Ok(stream)) => Step::On(State::Secure(Box::new(stream))),
            Poll::Ready(Err(error)) => Step::Failed(error),
            Poll::Pending if self.deadline.as_mut().poll(context).is_ready() => {
                Step::Failed(overdue())
            }
            Poll::Pending => Step::Wait(State::Handshake(self)),
        }
    }
}

fn overdue() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the handshake took too long")
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_begun(context))?;
        match &mut self.state {
            State::Plain(socket) => Pin::new(socket).poll_read(context, buffer),
            State::Secure(stream) => Pin::new(stream).poll_read(context, buffer),
            State::Silent(_) | State::Handshake(_) | State::Failed => not_begun(),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_begun(context))?;
        match &mut self.state {
            State::Plain(socket) => Pin::new(socket).poll_write(context, bytes),
            State::Secure(stream) => Pin::new(stream).poll_write(context, bytes),
            State::Silent(_) | State::Handshake(_) | State::Failed => not_begun(),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_begun(context))?;
        match &mut self.state {
            State::Plain(socket) => Pin::new(socket).poll_write_vectored(context, slices),
            State::Secure(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            State::Silent(_) | State::Handshake(_) | State::Failed => not_begun(),
        }
    }

    fn is_write_vectored(&self) -> bool {
        // Both are.
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.state {
            State::Plain(socket) => Pin::new(socket).poll_flush(context),
            State::Secure(stream) => Pin::new(stream).poll_flush(context),
            // Nothing was written yet.
            State::Silent(_) | State::Handshake(_) | State::Failed => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.state {
            State::Plain(socket) => Pin::new(socket).poll_shutdown(context),
            State::Secure(stream) => Pin::new(stream).poll_shutdown(context),
            State::Silent(silent) => Pin::new(&mut silent.socket).poll_shutdown(context),
            // Dropping it says as much.
            State::Handshake(_) | State::Failed => Poll::Ready(Ok(())),
        }
    }
}

fn not_begun<T>() -> Poll<io::Result<T>> {
    Poll::Ready(Err(io::ErrorKind::NotConnected.into()))
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Silent(_) => "Silent",
            Self::Handshake(_) => "Handshake",
            Self::Plain(_) => "Plain",
            Self::Secure(_) => "Secure",
            Self::Failed => "Failed",
        })
    }
}
