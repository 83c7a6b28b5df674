//! One measurement: a server, a load, and what it cost.

use std::time::Duration;

use super::super::binaries::Binaries;
use super::super::load::{Report, load, preload};
use super::super::scratch::Scratch;
use super::super::server::{SOON, Server};

/// What all measurements have in common.
pub(super) struct Lab<'a> {
    pub(super) binaries: &'a Binaries,
    pub(super) scratch: &'a Scratch,
    pub(super) seconds: String,
    pub(super) max_registers: u64,
    pub(super) memory_limit: Option<&'a str>,
    pub(super) zipf: Option<String>,
}

/// What one measurement gave.
#[derive(Debug)]
pub(super) struct Point {
    /// How many there are of what grows.
    pub(super) n: u64,
    /// Which load, a line of the plot.
    pub(super) load: &'static str,
    pub(super) events_per_s: f64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    pub(super) cpu_ns: f64,
    /// Bytes of memory, where that was asked for.
    pub(super) register_bytes: Option<f64>,
}

/// How long a server may go on with what it was given before.
const SETTLE: Duration = Duration::from_mins(5);

impl Lab<'_> {
    /// Runs `work` beside a server of its own, and clears up.
    pub(super) fn with_server<T>(
        &self,
        work: impl FnOnce(&Server) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let limit = self.memory_limit.map(|limit| ["--memory-limit", limit]);
        let settings = [SOON, limit.as_ref().map_or(&[][..], |limit| limit.as_slice())].concat();
        let server = Server::start(self.binaries, &self.scratch.join("exposure"), &settings)?;
        let done = work(&server);
        server.process.stop();
        self.scratch.clear("exposure")?;
        done
    }

    /// Writes every register once, and waits until all that follows from it is done.
    pub(super) fn fill(&self, server: &Server, args: &[&str]) -> anyhow::Result<()> {
        preload(self.binaries, server, args)?;
        server.settle(SETTLE);
        Ok(())
    }

    /// Measures one load.
    pub(super) fn measure(
        &self,
        server: &Server,
        n: u64,
        name: &'static str,
        args: &[&str],
    ) -> anyhow::Result<Point> {
        let before = server.process.cpu_seconds();
        let report =
            load(self.binaries, server, &[&["--duration", self.seconds.as_str()], args].concat())?;
        let point = point(n, name, &report, server.process.cpu_seconds() - before);
        println!(
            "{n:>12} {name:<16} {:>10.0} events/s {:>6.0} ns",
            point.events_per_s, point.cpu_ns
        );
        Ok(point)
    }
}

fn point(n: u64, load: &'static str, report: &Report, cpu_seconds: f64) -> Point {
    Point {
        n,
        load,
        events_per_s: report.events_per_s(),
        p50_ms: report.number("p50_ms"),
        p99_ms: report.number("p99_ms"),
        cpu_ns: cpu_seconds * 1e9 / report.number("events").max(1.0),
        register_bytes: None,
    }
}
