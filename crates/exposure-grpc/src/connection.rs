use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_stream::{Stream, StreamExt};
use tonic::transport::server::Connected;

/// A connection that counts against the bound while it is open.
#[derive(Debug)]
pub(crate) struct Connection<IO> {
    io: IO,
    peer: Peer,
    _permit: OwnedSemaphorePermit,
}

/// What a call knows of its connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer {
    /// Whether the connection came when there were as many as may be: its calls are told so.
    pub(crate) is_surplus: bool,
}

/// Connections past the bound that are open only to be told so.
const SURPLUS: usize = 64;

/// How many connections are open, and may be.
#[derive(Clone, Debug)]
pub(crate) struct Bound {
    regular: Arc<Semaphore>,
    surplus: Arc<Semaphore>,
}

impl Bound {
    pub(crate) fn new(max_connections: usize) -> Self {
        Self {
            regular: Arc::new(Semaphore::new(max_connections.clamp(1, Semaphore::MAX_PERMITS))),
            surplus: Arc::new(Semaphore::new(SURPLUS)),
        }
    }

    /// Counts a connection; one that there is no room for at all is closed.
    fn admit<IO>(&self, io: IO) -> Option<Connection<IO>> {
        let (permit, is_surplus) = match Arc::clone(&self.regular).try_acquire_owned() {
            Ok(permit) => (permit, false),
            Err(_) => (Arc::clone(&self.surplus).try_acquire_owned().ok()?, true),
        };
        Some(Connection { io, peer: Peer { is_surplus }, _permit: permit })
    }

    /// The connections of a stream of them, bounded.
    pub(crate) fn admit_all<IO>(
        self,
        incoming: impl Stream<Item = io::Result<IO>>,
    ) -> impl Stream<Item = io::Result<Connection<IO>>> {
        incoming.filter_map(move |io| match io {
            Ok(io) => {
                let admitted = self.admit(io);
                if admitted.is_none() {
                    metrics::counter!("exposure_grpc_connections_closed_total").increment(1);
                }
                admitted.map(Ok)
            }
            Err(error) => Some(Err(error)),
        })
    }
}

/// The connections that a socket accepts.
///
/// An error of one connection is none of the others; where the process has no more files, a
/// pause keeps the loop from spinning.
pub(crate) fn accept(
    listener: TcpListener,
) -> impl Stream<Item = io::Result<tokio::net::TcpStream>> {
    futures::stream::unfold(listener, async |listener| {
        loop {
            match listener.accept().await {
                Ok((socket, _)) => {
                    // Answers are small and waited for.
                    if let Err(error) = socket.set_nodelay(true) {
                        tracing::debug!(%error, "no nodelay for a connection");
                    }
                    return Some((Ok(socket), listener));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
            }
        }
    })
}

impl<IO> Connected for Connection<IO> {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Connection<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, buffer)
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Connection<IO> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}
