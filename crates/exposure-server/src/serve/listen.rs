use std::net::{SocketAddr, TcpListener};

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

    /// The same socket for a runtime, which must be entered.
    pub(super) fn into_tokio(self) -> Result<tokio::net::TcpListener> {
        tokio::net::TcpListener::from_std(self.socket).map_err(Failure::failed)
    }
}
