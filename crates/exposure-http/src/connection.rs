use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::Stream;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A connection that the server takes requests from.
pub trait Connection: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// Tells, by the time a request came over it, whether it is secured by TLS.
    fn security(&self) -> Security {
        Security::default()
    }
}

impl Connection for TcpStream {}

/// Whether a connection is secured: not, until it is said. Clones say the same.
#[derive(Clone, Debug, Default)]
pub struct Security(Arc<AtomicBool>);

impl Security {
    /// Says that it is.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it is, as far as is known.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a request knows of its connection.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    /// Whether the connection came when there were as many as may be: its requests are told so.
    pub(crate) is_surplus: bool,
    pub(crate) security: Security,
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
    pub(crate) fn admit(&self, security: Security) -> Option<(OwnedSemaphorePermit, Peer)> {
        if let Ok(permit) = Arc::clone(&self.regular).try_acquire_owned() {
            return Some((permit, Peer { is_surplus: false, security }));
        }
        let permit = Arc::clone(&self.surplus).try_acquire_owned().ok()?;
        Some((permit, Peer { is_surplus: true, security }))
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
