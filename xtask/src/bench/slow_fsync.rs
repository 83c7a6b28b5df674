//! `cargo xtask bench slow-fsync`: each sync of the disk made slower than it is.

use std::time::Duration;

use anyhow::bail;

use super::load::{load, preload};
use super::number::{grouped, short};
use super::page::{Page, Table};
use super::scratch::Scratch;
use super::server::{SOON, Server};
use super::workshop::Workshop;
use crate::flags::SlowFsync;
use crate::test::tools;
use crate::workspace;

/// Milliseconds that a sync takes longer.
const DELAYS: &[u32] = &[0, 1, 5];
const LOADS: &[(&str, &[&str])] = &[
    ("unary 1000, 8 in flight", &["--mode", "unary", "--batch", "1000", "--in-flight", "8"]),
    (
        "stream 1000, 4 streams",
        &["--mode", "stream", "--batch", "1000", "--in-flight", "8", "--streams", "4"],
    ),
];

/// Measures and writes `slow-fsync.md`.
pub(super) fn run(
    options: &SlowFsync,
    workshop: impl FnOnce() -> anyhow::Result<Workshop>,
) -> anyhow::Result<()> {
    if !tools::ensure(|| tools::is_there(&["strace", "--version"]), &["strace"]) {
        bail!("needs strace; on Debian, as root: apt-get install strace");
    }
    let seconds = options.seconds.unwrap_or(5).max(1).to_string();
    let registers = options.registers.unwrap_or(10_000_000).to_string();
    let Workshop { binaries, scratch, out } = &workshop()?;
    let server = Server::start(binaries, &scratch.join("exposure"), SOON)?;
    preload(binaries, &server, &["--registers", &registers])?;
    let mut table =
        Table::new(&["each sync", "load", "events/s", "p50 / p99 ms", "syncs", "mean of a sync"]);
    for delay in DELAYS {
        for (name, args) in LOADS {
            server.settle(Duration::from_mins(2));
            let _slower =
                (*delay > 0).then(|| Slower::attach(&server, *delay, scratch)).transpose()?;
            let args =
                [&["--registers", registers.as_str(), "--duration", &seconds], *args].concat();
            let before = [server.figure("log_syncs"), server.figure("log_sync_micros")];
            let report = load(binaries, &server, &args)?;
            let syncs = server.figure("log_syncs") - before[0];
            let micros = server.figure("log_sync_micros") - before[1];
            table.row([
                format!("+{delay} ms"),
                (*name).to_owned(),
                grouped(report.events_per_s()),
                format!("{} / {}", short(report.number("p50_ms")), short(report.number("p99_ms"))),
                grouped(syncs as f64),
                format!("{} ms", short(micros as f64 / 1000.0 / (syncs as f64).max(1.0))),
            ]);
        }
    }
    server.process.stop();
    table.print();
    let mut page = Page::new(
        "With slower syncs",
        &format!("cargo xtask bench slow-fsync --seconds {seconds} --registers {registers}"),
    );
    page.paragraph("`strace` holds each `fsync` and `fdatasync` of the server back when it returns; the mean is what the log itself measured.");
    page.table(&table);
    page.write("slow-fsync.md", out.as_deref())
}

/// Makes the syncs of a running process slower until it is dropped.
#[derive(Debug)]
struct Slower {
    _tracer: super::process::Process,
}

impl Slower {
    fn attach(server: &Server, delay_ms: u32, scratch: &Scratch) -> anyhow::Result<Self> {
        let mut tracer = workspace::command("strace");
        tracer.args(["-f", "-q", "-o", "/dev/null", "-e", "trace=fsync,fdatasync"]);
        tracer.args(["-e", &format!("inject=fsync,fdatasync:delay_exit={delay_ms}ms")]);
        tracer.args(["-p", &server.process.id().to_string()]);
        let id = server.process.id();
        let mut tracer = super::process::Process::start(
            "strace",
            &mut tracer,
            scratch.join("strace.log"),
            "INT",
        )?;
        tracer.wait_until(|| is_traced(id))?;
        Ok(Self { _tracer: tracer })
    }
}

/// Whether a tracer holds every thread of a process.
fn is_traced(id: u32) -> bool {
    let Ok(tasks) = std::fs::read_dir(format!("/proc/{id}/task")) else { return false };
    tasks.flatten().all(|task| {
        let status = std::fs::read_to_string(task.path().join("status")).unwrap_or_default();
        status
            .lines()
            .any(|line| line.strip_prefix("TracerPid:").is_some_and(|it| it.trim() != "0"))
    })
}
