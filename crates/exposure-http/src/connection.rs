use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::Stream;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What a request knows of its connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer {
    /// Whether the connection came when there were as many as may be: its requests are told so.
    pub(crate) is_surplus: bool,
}

/// Connections past the bound that are open only to be told so.
const SURPLUS: usize = 64;

/// How many connections are open, and may be.
#[derive(Debug)]
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

    /// Counts a connection while the permit lives; one that there is no room for at all is to
    /// be closed.
    pub(crate) fn admit(&self) -> Option<(OwnedSemaphorePermit, Peer)> {
        if let Ok(permit) = Arc::clone(&self.regular).try_acquire_owned() {
            return Some((permit, Peer { is_surplus: false }));
        }
        let permit = Arc::clone(&self.surplus).try_acquire_owned().ok()?;
        Some((permit, Peer { is_surplus: true }))
    }
}

/// The connections that a socket accepts.
///
/// An error of one connection is none of the others; where the process has no more files, a
/// pause keeps the loop from spinning.
pub(crate) fn accept(listener: TcpListener) -> impl Stream<Item = io::Result<TcpStream>> {
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
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    })
}
