//! PostgreSQL, set as its documentation advises for many small durable writes.

use std::process::Command;

use anyhow::Context as _;

use super::super::binaries::Binaries;
use super::super::load::Report;
use super::super::machine;
use super::super::process::{Process, free_port};
use super::super::scratch::Scratch;
use super::packages::postgres;
use super::peer::{listens, load};
use crate::workspace;

/// Settings that are not the defaults, or that everything depends on.
pub(super) const SETTINGS: &[(&str, &str)] = &[
    // Durable before it is acknowledged.
    ("fsync", "on"),
    ("synchronous_commit", "on"),
    ("full_page_writes", "on"),
    // A quarter of the memory of a machine of 24 GiB, as advised.
    ("shared_buffers", "6GB"),
    ("effective_cache_size", "16GB"),
    ("huge_pages", "try"),
    // No replica: the least log, and checkpoints far apart.
    ("wal_level", "minimal"),
    ("max_wal_senders", "0"),
    ("wal_compression", "lz4"),
    ("wal_buffers", "64MB"),
    ("max_wal_size", "8GB"),
    ("checkpoint_timeout", "30min"),
    ("checkpoint_completion_target", "0.9"),
    ("jit", "off"),
    ("max_connections", "100"),
];

/// A running PostgreSQL with its registers.
#[derive(Debug)]
pub(super) struct Postgres {
    process: Process,
    port: u16,
}

impl Postgres {
    /// Makes a cluster, starts it, and writes every register once.
    pub(super) fn start(
        binaries: &Binaries,
        scratch: &Scratch,
        registers: u64,
    ) -> anyhow::Result<Self> {
        let directory = scratch.join("postgres");
        std::fs::create_dir_all(&directory)?;
        if is_root() {
            // It refuses to run as root, and the package makes this user for it.
            workspace::output(workspace::command("chown").arg("postgres:").arg(&directory))
                .context("PostgreSQL does not run as root, and its own user is missing")?;
        }
        let mut initdb = as_its_user("initdb")?;
        initdb.arg("--pgdata").arg(&directory).args(["--auth=trust", "--username=bench"]);
        initdb.args(["--encoding=UTF8", "--locale=C", "--no-sync"]);
        workspace::output(&mut initdb).context(
            "PostgreSQL could not make its cluster; where its user can not reach the directory, give another with --dir",
        )?;
        let port = free_port()?;
        let mut server = as_its_user("postgres")?;
        server.arg("-D").arg(&directory).args(["-p", &port.to_string()]);
        server.args(["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]);
        for (name, value) in SETTINGS {
            server.args(["-c", &format!("{name}={value}")]);
        }
        // INT has it end its connections; the cluster goes anyway.
        let mut process =
            Process::start("PostgreSQL", &mut server, scratch.join("postgres.log"), "INT")?;
        process.wait_until(|| listens(port))?;
        let peer = Self { process, port };
        peer.load(binaries, &["--preload", "--registers", &registers.to_string()])?;
        Ok(peer)
    }

    pub(super) fn process(&self) -> &Process {
        &self.process
    }

    pub(super) fn load(&self, binaries: &Binaries, args: &[&str]) -> anyhow::Result<Report> {
        load(binaries, "peer_postgres", self.port, args)
    }

    pub(super) fn version() -> String {
        postgres("postgres")
            .map_or_else(String::new, |it| machine::version(&it.to_string_lossy(), "--version"))
    }
}

fn as_its_user(program: &str) -> anyhow::Result<Command> {
    let path = postgres(program).with_context(|| format!("there is no `{program}`"))?;
    if !is_root() {
        return Ok(workspace::command(path));
    }
    let mut command = workspace::command("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(path);
    // Where the workspace is, its user may not be allowed to be.
    command.current_dir("/");
    Ok(command)
}

fn is_root() -> bool {
    workspace::output(workspace::command("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}
