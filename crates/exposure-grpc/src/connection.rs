use std::io;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_stream::Stream;

/// The place of a connection among those that may be open, while it is.
#[derive(Debug)]
pub(crate) struct Admission {
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

impl Admission {
    pub(crate) fn peer(&self) -> Peer {
        self.peer
    }
}

impl Bound {
    pub(crate) fn new(max_connections: usize) -> Self {
        Self {
            regular: Arc::new(Semaphore::new(max_connections.clamp(1, Semaphore::MAX_PERMITS))),
            surplus: Arc::new(Semaphore::new(SURPLUS)),
        }
    }

    /// Counts a connection; one that there is no room for at all is to be closed.
    pub(crate) fn admit(&self) -> Option<Admission> {
        for (places, is_surplus) in [(&self.regular, false), (&self.surplus, true)] {
            if let Ok(permit) = Arc::clone(places).try_acquire_owned() {
                return Some(Admission { peer: Peer { is_surplus }, _permit: permit });
            }
        }
        metrics::counter!("exposure_grpc_connections_closed_total").increment(1);
        None
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
