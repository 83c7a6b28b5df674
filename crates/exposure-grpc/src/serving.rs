use std::convert::Infallible;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio_stream::{Stream, StreamExt as _};
use tonic::codegen::http;

use crate::Settings;
use crate::body::AnswerBody;
use crate::calls::{Answer, Calls};
use crate::connection::{Admission, Bound, Peer};
use crate::inline::{Begun, Inline};

/// Serves connections until `shutdown`, and then until all of them have ended.
pub(crate) async fn serve<IO>(
    calls: Calls,
    settings: &Settings,
    incoming: impl Stream<Item = io::Result<IO>>,
    shutdown: impl Future<Output = ()>,
) where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let bound = Bound::new(settings.max_connections);
    let calls = Arc::new(calls);
    let (stop, stopped) = watch::channel(false);
    {
        // Gone before the connections are waited for: who comes then is told so at once.
        let mut incoming = pin!(incoming);
        let mut shutdown = pin!(shutdown);
        loop {
            let io = tokio::select! {
                () = &mut shutdown => break,
                io = incoming.next() => io,
            };
            match io {
                Some(Ok(io)) => {
                    let Some(admission) = bound.admit() else { continue };
                    let connection = Connection::new(io, &admission, &calls, settings);
                    drop(tokio::spawn(run(connection, admission, stopped.clone())));
                }
                Some(Err(error)) => tracing::debug!(%error, "a connection could not be accepted"),
                None => break,
            }
        }
    }
    stop.send_replace(true);
    drop(stopped);
    stop.closed().await;
}

/// A connection from its beginning to its end.
async fn run<IO>(
    mut connection: Connection<IO>,
    admission: Admission,
    mut stopped: watch::Receiver<bool>,
) where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let ended = tokio::select! {
        ended = &mut connection => Some(ended),
        _ = stopped.wait_for(|&stops| stops) => None,
    };
    let ended = if let Some(ended) = ended {
        ended
    } else {
        connection.http.as_mut().graceful_shutdown();
        connection.await
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection failed");
    }
    drop((admission, stopped));
}

/// A connection with its calls.
struct Connection<IO>
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    http: Pin<Box<http2::Connection<TokioIo<IO>, PeerCalls, Begun>>>,
    calls: Inline,
}

impl<IO> Connection<IO>
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    fn new(io: IO, admission: &Admission, calls: &Arc<Calls>, settings: &Settings) -> Self {
        let inline = Inline::default();
        let service = PeerCalls { calls: Arc::clone(calls), peer: admission.peer() };
        let http = http2::Builder::new(inline.begun())
            .timer(TokioTimer::new())
            .initial_stream_window_size(settings.stream_window_bytes)
            .initial_connection_window_size(settings.connection_window_bytes)
            .max_concurrent_streams(settings.max_connection_calls)
            .keep_alive_interval(settings.keepalive_interval)
            .keep_alive_timeout(settings.keepalive_timeout)
            .auto_date_header(false)
            .serve_connection(TokioIo::new(io), service);
        Self { http: Box::pin(http), calls: inline }
    }
}

impl<IO> Future for Connection<IO>
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Output = hyper::Result<()>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // Their answers first, so that one write has all of them.
        self.calls.poll(context);
        loop {
            if let Poll::Ready(ended) = self.http.as_mut().poll(context) {
                return Poll::Ready(ended);
            }
            // What is answered as soon as it came is written now, and not behind whoever else
            // waits for this thread.
            if !self.calls.poll(context) {
                return Poll::Pending;
            }
        }
    }
}

/// The calls of a peer.
#[derive(Clone)]
struct PeerCalls {
    calls: Arc<Calls>,
    peer: Peer,
}

impl Service<http::Request<Incoming>> for PeerCalls {
    type Response = http::Response<AnswerBody>;
    type Error = Infallible;
    type Future = Answer;

    fn call(&self, request: http::Request<Incoming>) -> Answer {
        self.calls.call(self.peer, request)
    }
}
