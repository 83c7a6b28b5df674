use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::Reason;
use h2::server::{Builder, Handshake};
use tokio::io::{AsyncRead, AsyncWrite};
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::http;

use crate::Settings;
use crate::batching::Batching;
use crate::body::{Gathered, RequestBody, only_message};
use crate::calls::Calls;
use crate::connection::Peer;
use crate::early::{Early, EarlyCall};
use crate::error::explained;
use crate::ingest::LARGE_BYTES;
use crate::inline::Inline;
use crate::keepalive::{Heard, Keepalive};
use crate::method::UNARY_INGEST;
use crate::respond::{respond, respond_failed};

/// Says how messages are compressed.
const ENCODING: &str = "grpc-encoding";
/// Bytes of all headers of a call.
const MAX_HEADER_BYTES: u32 = 16 << 10;
/// Bytes of answers that wait to be sent, of one call.
const MAX_SEND_BYTES: usize = 400 << 10;
/// Calls that were reset for mistakes of their client, before its connection ends.
const MAX_RESETS: usize = 1024;

/// A connection with its calls, until it ends.
///
/// All of it is one task: whatever is answered at one moment goes out with one write.
pub(crate) struct Connection<IO> {
    state: State<IO>,
    keepalive: Keepalive,
    batching: Batching,
    early: Early,
    others: Inline,
    calls: Arc<Calls>,
    peer: Peer,
    /// What a call that takes the short way may have, in bytes.
    small_bytes: usize,
    stops: bool,
}

enum State<IO> {
    Greeting(Pin<Box<Handshake<Heard<IO>, Bytes>>>),
    Open(Box<h2::server::Connection<Heard<IO>, Bytes>>),
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Connection<IO> {
    pub(crate) fn new(io: IO, peer: Peer, calls: &Arc<Calls>, settings: &Settings) -> Self {
        let io = Heard::new(io);
        let keepalive = io.keepalive(settings.keepalive_interval, settings.keepalive_timeout);
        let greeting = Builder::new()
            .initial_window_size(settings.stream_window_bytes)
            .initial_connection_window_size(settings.connection_window_bytes)
            .max_concurrent_streams(settings.max_connection_calls)
            .max_header_list_size(MAX_HEADER_BYTES)
            .max_send_buffer_size(MAX_SEND_BYTES)
            .max_local_error_reset_streams(Some(MAX_RESETS))
            .handshake(io);
        Self {
            state: State::Greeting(Box::pin(greeting)),
            keepalive,
            batching: Batching::new(calls, peer),
            early: Early::new(),
            others: Inline::default(),
            calls: Arc::clone(calls),
            peer,
            small_bytes: LARGE_BYTES
                .min(settings.max_message_bytes)
                .min(settings.max_receiving_bytes),
            stops: false,
        }
    }

    /// Takes no further calls, and ends with the last of those that were received.
    pub(crate) fn stop(&mut self) {
        self.stops = true;
        if let State::Open(http) = &mut self.state {
            http.graceful_shutdown();
        }
    }

    fn poll_greeting(&mut self, context: &mut Context<'_>) -> Poll<Result<(), h2::Error>> {
        if let State::Greeting(greeting) = &mut self.state {
            let mut http = ready!(greeting.as_mut().poll(context))?;
            self.keepalive.ask_with(http.ping_pong());
            if self.stops {
                http.graceful_shutdown();
            }
            self.state = State::Open(Box::new(http));
        }
        Poll::Ready(Ok(()))
    }

    /// Reads what there is and begins it; ready when the connection has ended.
    fn poll_incoming(&mut self, context: &mut Context<'_>) -> Poll<Result<(), h2::Error>> {
        loop {
            let State::Open(http) = &mut self.state else { return Poll::Pending };
            // It writes what was answered, too.
            let Poll::Ready(call) = http.poll_accept(context) else { break };
            let Some(call) = call else { return Poll::Ready(Ok(())) };
            let (request, respond) = call?;
            let (head, body) = request.into_parts();
            self.begin(EarlyCall { head, body, respond }, context);
        }
        while let Some((call, gathered)) = self.early.next(self.small_bytes, context) {
            self.begin_gathered(call, gathered);
        }
        Poll::Pending
    }

    fn begin(&mut self, mut call: EarlyCall, context: &mut Context<'_>) {
        if call.head.uri.path() != UNARY_INGEST {
            self.begin_any(call, Bytes::new());
            return;
        }
        match Gathered::of(&mut call.body, self.small_bytes, context) {
            Gathered::Part(part) if part.is_empty() => {
                if let Err(call) = self.early.keep(call) {
                    self.begin_any(*call, part);
                }
            }
            gathered => self.begin_gathered(call, gathered),
        }
    }

    fn begin_gathered(&mut self, mut call: EarlyCall, gathered: Gathered) {
        let first = match gathered {
            Gathered::Whole(whole) => match only_message(&whole) {
                Some(message) if !call.head.headers.contains_key(ENCODING) => {
                    self.batching.add(&call.head.headers, message, call.respond);
                    return;
                }
                Some(_) | None => whole,
            },
            Gathered::Part(part) => part,
            Gathered::Failed(error) => {
                let failed = explained(Status::from_error(error.into()));
                respond_failed(&mut call.respond, failed);
                return;
            }
        };
        self.begin_any(call, first);
    }

    fn begin_any(&mut self, call: EarlyCall, first: Bytes) {
        let EarlyCall { head, body, respond: to } = call;
        let body = Body::new(RequestBody::new(first, body));
        let answer = self.calls.call(self.peer, http::Request::from_parts(head, body));
        self.others.begin(respond(to, answer));
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Future for Connection<IO> {
    type Output = Result<(), h2::Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        ready!(self.poll_greeting(context))?;
        let this = &mut *self;
        // Their answers first, so that one write has all of them.
        this.batching.poll(context);
        this.others.poll(context);
        if this.keepalive.is_dead(context)
            && let State::Open(http) = &mut this.state
        {
            http.abrupt_shutdown(Reason::NO_ERROR);
        }
        loop {
            if let Poll::Ready(ended) = this.poll_incoming(context) {
                return Poll::Ready(ended);
            }
            this.batching.begin();
            this.batching.drop_reset(context);
            // What is answered as soon as it came is written now, and not behind whoever else
            // waits for this thread.
            if !(this.batching.poll(context) | this.others.poll(context)) {
                return Poll::Pending;
            }
        }
    }
}
