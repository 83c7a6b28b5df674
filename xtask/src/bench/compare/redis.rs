//! Redis, durable before it answers.

use super::super::binaries::Binaries;
use super::super::load::Report;
use super::super::machine;
use super::super::process::{Process, free_port};
use super::super::scratch::Scratch;
use super::peer::{listens, load};
use crate::workspace;

/// Settings that are not the defaults, or that everything depends on.
pub(super) const SETTINGS: &[(&str, &str)] = &[
    ("appendonly", "yes"),
    // Durable before it is acknowledged.
    ("appendfsync", "always"),
    // In its favour: no snapshots and no rewriting of the log beside what is measured.
    ("save", ""),
    ("auto-aof-rewrite-percentage", "0"),
    ("maxmemory", "0"),
];

/// A running Redis with its registers.
#[derive(Debug)]
pub(super) struct Redis {
    process: Process,
    port: u16,
}

impl Redis {
    /// Starts it and writes every register once.
    pub(super) fn start(
        binaries: &Binaries,
        scratch: &Scratch,
        registers: u64,
    ) -> anyhow::Result<Self> {
        let directory = scratch.join("redis");
        std::fs::create_dir_all(&directory)?;
        let port = free_port()?;
        let mut server = workspace::command("redis-server");
        server.args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--dir"]).arg(&directory);
        for (name, value) in SETTINGS {
            server.args([&format!("--{name}"), *value]);
        }
        let mut process = Process::start("Redis", &mut server, scratch.join("redis.log"), "TERM")?;
        process.wait_until(|| listens(port))?;
        let peer = Self { process, port };
        peer.load(binaries, &["--preload", "--registers", &registers.to_string()])?;
        Ok(peer)
    }

    pub(super) fn process(&self) -> &Process {
        &self.process
    }

    pub(super) fn load(&self, binaries: &Binaries, args: &[&str]) -> anyhow::Result<Report> {
        load(binaries, "peer_redis", self.port, args)
    }

    pub(super) fn version() -> String {
        machine::version("redis-server", "--version")
    }
}
