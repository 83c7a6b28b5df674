//! The server under test.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::binaries::Binaries;
use super::process::{Process, free_port, settle};
use super::scratch::disk_bytes;
use crate::workspace;

/// The key that generators send.
pub(super) const KEY: &str = "bench-key-0123456789";

/// Turns what came in into files of events within a second, not after ten: so that background work is part of what is
/// measured, and is over soon behind it.
pub(super) const SOON: &[&str] = &["--convert-every", "1s"];

/// Bytes of log that are no work worth waiting for.
const NO_DEBT: u64 = 1 << 20;

/// Refusals of intake over gRPC, as the server timed them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Refusals {
    pub(super) all: u64,
    pub(super) within_10_ms: u64,
}

impl Refusals {
    /// Those in `/metrics`.
    fn read(metrics: &str) -> Self {
        let sum = |beginning: &str, among: &str| {
            let lines = metrics.lines().filter(|line| line.starts_with(beginning));
            let lines =
                lines.filter(|line| line.contains("IngestService/") && line.contains(among));
            lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok()).sum()
        };
        Self {
            all: sum("exposure_grpc_refusal_seconds_count", ""),
            within_10_ms: sum("exposure_grpc_refusal_seconds_bucket", "le=\"0.01\""),
        }
    }

    pub(super) fn since(self, before: Self) -> Self {
        Self { all: self.all - before.all, within_10_ms: self.within_10_ms - before.within_10_ms }
    }
}

/// A running `exposure serve`.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) process: Process,
    pub(super) grpc: u16,
    http: u16,
    directory: PathBuf,
    /// From its start until it served.
    pub(super) opened_in: Duration,
}

impl Server {
    /// Starts it on loopback over `directory`, with further settings.
    pub(super) fn start(
        binaries: &Binaries,
        directory: &Path,
        settings: &[&str],
    ) -> anyhow::Result<Self> {
        let (grpc, http) = (free_port()?, free_port()?);
        let mut command = workspace::command(binaries.path("exposure"));
        command.args(["serve", "--api-key", KEY, "--log", "warn", "--data-dir"]).arg(directory);
        command.args(["--grpc", &format!("127.0.0.1:{grpc}")]);
        command.args(["--http", &format!("127.0.0.1:{http}")]).args(settings);
        let mut process =
            Process::start("exposure", &mut command, directory.with_extension("log"), "TERM")?;
        let opened_in = process
            .wait_until(|| get(http, "/readyz").is_some_and(|it| it.starts_with("HTTP/1.1 200")))?;
        Ok(Self { process, grpc, http, directory: directory.to_owned(), opened_in })
    }

    /// A figure of the store, as `/metrics` names it without its prefix.
    pub(super) fn figure(&self, name: &str) -> u64 {
        figure(&get(self.http, "/metrics").unwrap_or_default(), name)
    }

    /// What it refused since its start.
    pub(super) fn refusals(&self) -> Refusals {
        Refusals::read(&get(self.http, "/metrics").unwrap_or_default())
    }

    /// Bytes of log that do not stand in files of events yet: what the archive has still to do.
    pub(super) fn debt_bytes(&self) -> u64 {
        let metrics = get(self.http, "/metrics").unwrap_or_default();
        figure(&metrics, "log_durable_bytes")
            .saturating_sub(figure(&metrics, "converted_position_bytes"))
    }

    /// Waits until it has nothing left to do: its log stands in files of events, and it does little. Returns how long
    /// that took; after `at_most` it goes on all the same.
    pub(super) fn settle(&self, at_most: Duration) -> Duration {
        let start = Instant::now();
        loop {
            settle(&[&self.process], at_most.saturating_sub(start.elapsed()));
            if self.debt_bytes() < NO_DEBT || at_most <= start.elapsed() {
                return start.elapsed();
            }
            sleep(Duration::from_millis(200));
        }
    }

    /// Bytes of its data directory.
    pub(super) fn disk_bytes(&self) -> u64 {
        disk_bytes(&self.directory)
    }
}

fn figure(metrics: &str, name: &str) -> u64 {
    let line = metrics.lines().find_map(|line| {
        line.strip_prefix("exposure_store_")?.strip_prefix(name)?.strip_prefix(' ')
    });
    line.and_then(|value| value.trim().parse::<f64>().ok()).unwrap_or(0.0) as u64
}

/// The answer to a request over HTTP on loopback, head and body; nothing where there is none.
fn get(port: u16, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    Some(String::from_utf8_lossy(&answer).into_owned())
}

#[cfg(test)]
mod tests {
    use super::{Refusals, figure};

    #[test]
    fn refusals_are_of_intake_over_grpc() {
        let name = "exposure_grpc_refusal_seconds";
        let metrics = [
            format!("{name}_bucket{{method=\"IngestService/Ingest\",le=\"0.01\"}} 3"),
            format!("{name}_bucket{{method=\"IngestService/Ingest\",le=\"0.025\"}} 4"),
            format!("{name}_count{{method=\"IngestService/Ingest\"}} 5"),
            format!("{name}_count{{method=\"IngestService/IngestStream\"}} 2"),
            format!("{name}_count{{method=\"UsageService/GetUsage\"}} 7"),
        ];
        let read = Refusals::read(&metrics.join("\n"));
        assert_eq!(read, Refusals { all: 7, within_10_ms: 3 });
        let before = Refusals { all: 3, within_10_ms: 1 };
        assert_eq!(read.since(before), Refusals { all: 4, within_10_ms: 2 });
    }

    #[test]
    fn a_figure_is_found_by_its_whole_name() {
        let metrics = "# TYPE exposure_store_profiles gauge\nexposure_store_profiles_resident 3\nexposure_store_profiles 12\n";
        assert_eq!(figure(metrics, "profiles"), 12);
        assert_eq!(figure(metrics, "events"), 0);
    }
}
