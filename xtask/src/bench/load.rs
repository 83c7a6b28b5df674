//! What generators report: each prints one object of JSON when it ends.

use std::process::Command;

use anyhow::{Context as _, bail};
use serde_json::Value;

use super::binaries::Binaries;
use super::server::{KEY, Server};
use crate::workspace;

/// Unary calls of 1000 events.
pub(super) const UNARY_1000: &[&str] =
    &["--mode", "unary", "--batch", "1000", "--in-flight", "8", "--connections", "4"];
/// Streams of batches of 1000 events.
pub(super) const STREAM_1000: &[&str] = &[
    "--mode",
    "stream",
    "--batch",
    "1000",
    "--in-flight",
    "8",
    "--streams",
    "4",
    "--connections",
    "4",
];

/// What one run of a generator came to.
#[derive(Debug, Clone)]
pub(super) struct Report(Value);

impl Report {
    /// A number of it, 0 where it has none of that name.
    pub(super) fn number(&self, name: &str) -> f64 {
        self.0.get(name).and_then(Value::as_f64).unwrap_or(0.0)
    }

    /// A list of numbers.
    pub(super) fn numbers(&self, name: &str) -> Vec<f64> {
        let list = self.0.get(name).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_f64).collect()
    }

    pub(super) fn events_per_s(&self) -> f64 {
        self.number("events_per_s")
    }
}

/// Load for a server of ours, over gRPC.
pub(super) fn load(binaries: &Binaries, server: &Server, args: &[&str]) -> anyhow::Result<Report> {
    run(command(binaries, server.grpc).args(args))
}

/// Load for the null server, which keeps no counts.
pub(super) fn load_unchecked(
    binaries: &Binaries,
    port: u16,
    args: &[&str],
) -> anyhow::Result<Report> {
    run(command(binaries, port).arg("--unchecked").args(args))
}

/// Writes every register once.
pub(super) fn preload(
    binaries: &Binaries,
    server: &Server,
    args: &[&str],
) -> anyhow::Result<Report> {
    let how = ["--preload", "--mode", "stream", "--batch", "1000", "--streams", "4"];
    run(command(binaries, server.grpc).args(how).args(args))
}

/// The generator's command for a gRPC port.
pub(super) fn command(binaries: &Binaries, port: u16) -> Command {
    let mut command = workspace::command(binaries.path("exposure"));
    command.args(["load", "--json"]).env("EXPOSURE_API_KEY", KEY);
    command.args(["--server", &format!("http://127.0.0.1:{port}")]);
    command
}

/// Runs a generator; an error where it fails, as it does where the server's counts differ from what was sent.
pub(super) fn run(command: &mut Command) -> anyhow::Result<Report> {
    let text = workspace::output(command)?;
    let Some(line) = text.lines().rev().find(|line| line.starts_with('{')) else {
        // One value may stand on several lines.
        return Ok(Report(serde_json::from_str(&text).context("the generator wrote no JSON")?));
    };
    match serde_json::from_str(line).or_else(|_| serde_json::from_str(&text)) {
        Ok(report) => Ok(Report(report)),
        Err(error) => bail!("the generator wrote no JSON: {error}"),
    }
}
