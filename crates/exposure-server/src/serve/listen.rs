use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use futures::Stream;

use super::socket::{Secure, Socket};
use crate::failure::{Failure, Result};

/// A socket that listens, bound before anything is opened: a port in use must not cost a recovery.
#[derive(Debug)]
pub(super) struct Listening {
    socket: TcpListener,
    /// Where it listens, with the port that it was given.
    pub(super) address: SocketAddr,
}

impl Listening {
    pub(super) fn bind(setting: &str, address: SocketAddr) -> Result<Self> {
        let failed = |cause| {
            Failure::usage(format!(
                "setting `{setting}`: can not listen on {address}: {cause}; stop what does, or give another address"
            ))
        };
        let socket = TcpListener::bind(address).map_err(failed)?;
        socket.set_nonblocking(true).map_err(failed)?;
        let address = socket.local_addr().map_err(failed)?;
        Ok(Self { socket, address })
    }

    /// The connections it accepts, on a runtime, which must be entered.
    ///
    /// An error of one connection is none of the others; where the process has no more files,
    /// a pause keeps the loop from spinning.
    pub(super) fn connections(
        self,
        secure: Option<Secure>,
    ) -> Result<impl Stream<Item = io::Result<Socket>> + Send + use<>> {
        let listener = tokio::net::TcpListener::from_std(self.socket).map_err(Failure::failed)?;
        Ok(futures::stream::unfold((listener, secure), async |(listener, secure)| {
            loop {
                match listener.accept().await {
                    Ok((socket, _)) => {
                        // Answers are small and waited for.
                        if let Err(error) = socket.set_nodelay(true) {
                            tracing::debug!(%error, "no nodelay for a connection");
                        }
                        let socket = Socket::new(socket, secure.as_ref());
                        return Some((Ok(socket), (listener, secure)));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "a connection could not be accepted");
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                }
            }
        }))
    }
}
