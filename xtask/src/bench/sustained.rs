//! `cargo xtask bench sustained`: a fixed rate for minutes, reads beside it, what is left to do afterwards, and opening
//! after the process was killed.

use std::thread;
use std::time::{Duration, Instant};

use super::load::{Report, load, preload};
use super::number::{bytes, grouped, short};
use super::page::{Page, Table};
use super::server::Server;
use super::workshop::Workshop;
use crate::flags::Sustained;

/// How long the server may take for what it has left to do.
const PATIENCE: Duration = Duration::from_mins(10);
/// Between two looks at disk and memory.
const LOOK: Duration = Duration::from_secs(10);

/// What was seen of the server while it was under load.
#[derive(Debug, Default)]
struct Seen {
    seconds: f64,
    disk_bytes: u64,
    resident_bytes: u64,
    window_bytes: u64,
    debt_bytes: u64,
}

/// Measures and writes `sustained.md`.
pub(super) fn run(options: &Sustained, workshop: &Workshop) -> anyhow::Result<()> {
    let seconds = options.seconds.unwrap_or(300).max(2);
    let rate = options.rate.unwrap_or(1_000_000);
    let reads = options.reads.unwrap_or(100);
    let registers = options.registers.unwrap_or(10_000_000).to_string();
    let Workshop { binaries, scratch, out } = workshop;
    let settings: Vec<&str> = options
        .retention
        .iter()
        .flat_map(|retention| ["--retention", retention.as_str()])
        .collect();
    let server = Server::start(binaries, &scratch.join("exposure"), &settings)?;
    preload(binaries, &server, &["--registers", &registers])?;
    server.settle(PATIENCE);

    println!("\n==> {rate} events/s for {seconds} s");
    let how = ["--mode", "unary", "--batch", "1000", "--in-flight", "32", "--connections", "4"];
    let (rate_text, reads_text, seconds_text) =
        (rate.to_string(), reads.to_string(), seconds.to_string());
    let args = [
        &["--registers", registers.as_str(), "--rate", &rate_text][..],
        &["--read-rate", &reads_text, "--duration", &seconds_text],
        &how,
    ]
    .concat();
    let cpu_before = server.process.cpu_seconds();
    let (report, mut seen) = beside(&server, || load(binaries, &server, &args))?;
    let cpu = server.process.cpu_seconds() - cpu_before;
    let drained = drain(&server, &mut seen);

    println!("==> kill, and open again under the same data");
    // So that the log has a tail that was never checkpointed.
    load(binaries, &server, &["--registers", &registers, "--duration", "5", "--rate", &rate_text])?;
    let tail = server.debt_bytes();
    server.process.kill()?;
    let server = Server::start(binaries, &scratch.join("exposure"), &settings)?;
    let opened_in = server.opened_in;
    server.process.stop();

    let table = table(&report, cpu, drained, opened_in, tail);
    table.print();
    let mut command = format!(
        "cargo xtask bench sustained --seconds {seconds} --rate {rate} --reads {reads} --registers {registers}"
    );
    if let Some(retention) = &options.retention {
        command = [&command, " --retention ", retention].concat();
    }
    let mut page = Page::new("Sustained", &command);
    page.paragraph("Unary calls of 1000 events at fixed times, over 4 connections, and reads of one user's properties on a connection of their own.\nThe time of a call is counted from when it was due.");
    page.table(&table);
    page.heading("While it ran");
    page.table(&course(&seen));
    page.write("sustained.md", out.as_deref())
}

fn table(report: &Report, cpu: f64, drained: Duration, opened_in: Duration, tail: u64) -> Table {
    let each = report.numbers("events_each_s");
    let worst = each.iter().copied().fold(f64::INFINITY, f64::min);
    let mut table = Table::new(&["what", "measured"]);
    let mut row = |what: &str, measured: String| table.row([what.to_owned(), measured]);
    row("events/s", grouped(report.events_per_s()));
    row("in the worst second", grouped(if worst.is_finite() { worst } else { 0.0 }));
    row(
        "seconds below half of the mean",
        each.iter().filter(|it| **it < report.events_per_s() / 2.0).count().to_string(),
    );
    row(
        "p50 / p99 / worst acknowledgement",
        format!(
            "{} / {} / {} ms",
            short(report.number("p50_ms")),
            short(report.number("p99_ms")),
            short(report.number("max_ms"))
        ),
    );
    row(
        "one user's properties, p50 / p99",
        format!(
            "{} / {} ms",
            short(report.number("read_p50_ms")),
            short(report.number("read_p99_ms"))
        ),
    );
    row(
        "server processor time an event",
        format!("{:.0} ns", cpu * 1e9 / report.number("events").max(1.0)),
    );
    row("until nothing was left to do", format!("{:.1} s", drained.as_secs_f64()));
    row(
        "open after `kill -9`",
        format!(
            "{:.2} s, with {} of log that no file of events held",
            opened_in.as_secs_f64(),
            bytes(tail)
        ),
    );
    table
}

/// Looks at the server while `work` runs.
pub(super) fn look_beside<T: Send>(
    server: &Server,
    work: impl FnOnce() -> anyhow::Result<T> + Send,
) -> anyhow::Result<(T, Table)> {
    let (done, mut seen) = beside(server, work)?;
    drain(server, &mut seen);
    Ok((done, course(&seen)))
}

fn beside<T: Send>(
    server: &Server,
    work: impl FnOnce() -> anyhow::Result<T> + Send,
) -> anyhow::Result<(T, Vec<Seen>)> {
    let start = Instant::now();
    let mut seen = vec![look(server, start)];
    let done = thread::scope(|scope| {
        let work = scope.spawn(work);
        let mut next = LOOK;
        while !work.is_finished() {
            thread::sleep(Duration::from_millis(50));
            if next <= start.elapsed() {
                seen.push(look(server, start));
                next += LOOK;
            }
        }
        work.join()
    });
    seen.push(look(server, start));
    match done {
        Ok(done) => Ok((done?, seen)),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// Waits until the server has nothing left to do, and looks at it on the way.
fn drain(server: &Server, seen: &mut Vec<Seen>) -> Duration {
    let begun = seen.last().map_or(0.0, |last| last.seconds);
    let start = Instant::now();
    let offset = |mut look: Seen| {
        look.seconds += begun;
        look
    };
    while start.elapsed() < PATIENCE {
        if server.settle(LOOK) < LOOK {
            break;
        }
        seen.push(offset(look(server, start)));
    }
    let drained = start.elapsed();
    seen.push(offset(look(server, start)));
    drained
}

fn look(server: &Server, start: Instant) -> Seen {
    Seen {
        seconds: start.elapsed().as_secs_f64(),
        disk_bytes: server.disk_bytes(),
        resident_bytes: server.process.resident_bytes(),
        window_bytes: server.figure("window_resident_bytes"),
        debt_bytes: server.debt_bytes(),
    }
}

/// At most some twenty of the looks, the last one among them.
fn course(seen: &[Seen]) -> Table {
    let mut table = Table::new(&[
        "after",
        "disk",
        "memory",
        "of it the window",
        "log not yet in files of events",
    ]);
    let every = seen.len().div_ceil(20).max(1);
    for (index, look) in seen.iter().enumerate() {
        if index % every == 0 || index + 1 == seen.len() {
            table.row([
                format!("{:.0} s", look.seconds),
                bytes(look.disk_bytes),
                bytes(look.resident_bytes),
                bytes(look.window_bytes),
                bytes(look.debt_bytes),
            ]);
        }
    }
    table
}
