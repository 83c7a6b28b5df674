//! What the servers beside ours have in common, and the one that only decodes and acknowledges.

use std::net::{Ipv4Addr, TcpStream};

use super::super::binaries::Binaries;
use super::super::load::{self, Report};
use super::super::process::{Process, free_port};
use super::super::scratch::Scratch;
use crate::workspace;

/// Whether somebody listens on a port of loopback.
pub(super) fn listens(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// Runs the generator of a peer.
pub(super) fn load(
    binaries: &Binaries,
    program: &str,
    port: u16,
    args: &[&str],
) -> anyhow::Result<Report> {
    let mut command = workspace::command(binaries.path(program));
    load::run(command.args(["--port", &port.to_string()]).args(args))
}

/// A running `null_server`.
#[derive(Debug)]
pub(in crate::bench) struct NullServer {
    port: u16,
    process: Process,
}

impl NullServer {
    pub(in crate::bench) fn start(binaries: &Binaries, scratch: &Scratch) -> anyhow::Result<Self> {
        let port = free_port()?;
        let mut command = workspace::command(binaries.path("null_server"));
        command.arg(format!("127.0.0.1:{port}"));
        let mut process =
            Process::start("null_server", &mut command, scratch.join("null_server.log"), "TERM")?;
        process.wait_until(|| listens(port))?;
        Ok(Self { port, process })
    }

    /// Seconds of processor time so far.
    pub(in crate::bench) fn cpu_seconds(&self) -> f64 {
        self.process.cpu_seconds()
    }

    pub(in crate::bench) fn load(
        &self,
        binaries: &Binaries,
        args: &[&str],
    ) -> anyhow::Result<Report> {
        load::load_unchecked(binaries, self.port, args)
    }
}
