//! `cargo xtask bench overload`: more than the server takes, from senders that do not wait for it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, sleep};
use std::time::Duration;

use super::load::{Report, load, preload};
use super::number::{bytes, grouped, short};
use super::page::{Page, Table};
use super::server::{Refusals, Server};
use super::workshop::Workshop;
use crate::flags::Overload;

/// So many times as many connections as saturate the server, and requests in flight at least.
const TIMES: u64 = 5;
/// Of the events that saturate it, this many come.
const RATE: f64 = 2.0;
/// Between two looks at the server's memory.
const LOOK: Duration = Duration::from_millis(200);

/// How long the server may take between forms for what it has left to do; what is left then is done beside the next.
const SETTLE: Duration = Duration::from_secs(5);

/// A form of load: a name, the generator's mode, events of a batch, and what saturates.
struct Form {
    name: &'static str,
    mode: &'static str,
    batch: &'static str,
    in_flight: u64,
    connections: u64,
}

const FORMS: &[Form] = &[
    Form { name: "unary 1000", mode: "unary", batch: "1000", in_flight: 8, connections: 4 },
    Form { name: "unary 1", mode: "unary", batch: "1", in_flight: 64, connections: 8 },
    Form { name: "stream 1000", mode: "stream", batch: "1000", in_flight: 8, connections: 4 },
];

/// The server's memory without the window of insert ids, which holds every event that is accepted.
#[derive(Debug, Default)]
struct Memory {
    start: u64,
    max: u64,
    end: u64,
    /// What the window grew by meanwhile.
    window: u64,
}

/// Measures and writes `overload.md`.
pub(super) fn run(options: &Overload, workshop: &Workshop) -> anyhow::Result<()> {
    let seconds = options.seconds.unwrap_or(10).max(1).to_string();
    let registers = options.registers.unwrap_or(1_000_000).to_string();
    let Workshop { binaries, scratch, out } = workshop;
    let mut accepted = Table::new(&[
        "load",
        "closed loop, events/s",
        "p50 / p99 / worst ms",
        "offered, events/s",
        "accepted, events/s",
        "p50 / p99 / worst ms",
        "refused",
    ]);
    let mut refused = Table::new(&[
        "load",
        "refused",
        "within 10 ms in the server",
        "as the generator sees it, p50 / p99 / worst ms",
        "in flight at most",
        "not sent",
    ]);
    let mut memory = Table::new(&["load", "at the start", "at most", "at the end", "window, more"]);
    let server = Server::start(binaries, &scratch.join("exposure"), &[])?;
    preload(binaries, &server, &["--registers", &registers])?;
    for form in FORMS {
        server.settle(SETTLE);
        println!("\n==> {}, closed loop", form.name);
        let common = ["--registers", &registers, "--mode", form.mode, "--batch", form.batch];
        let common = [&common[..], &["--duration", &seconds]].concat();
        let closed = load(binaries, &server, &[&common[..], &strs(&closed_loop(form))].concat())?;
        println!("\n==> {}, open loop", form.name);
        let rate = closed.events_per_s() * RATE;
        let before = server.refusals();
        let open = open_loop(form, rate);
        let args = [&common[..], &strs(&open)].concat();
        let (report, seen) = watch_memory(&server, || load(binaries, &server, &args))?;
        let refusals = server.refusals().since(before);
        let [n_accepted, n_refused, not_sent] = ["accepted", "refused", "not_sent"]
            .map(|what| report.number(&format!("{what}_batches")));
        let all = (n_accepted + n_refused + not_sent).max(1.0);
        accepted.row([
            form.name.to_owned(),
            grouped(closed.events_per_s()),
            times(&closed, ""),
            grouped(rate),
            grouped(report.events_per_s()),
            times(&report, ""),
            percent(n_refused / all),
        ]);
        refused.row([
            form.name.to_owned(),
            grouped(n_refused),
            within(refusals),
            times(&report, "refused_"),
            grouped(report.number("peak_in_flight")),
            percent(not_sent / all),
        ]);
        memory.row([
            form.name.to_owned(),
            bytes(seen.start),
            bytes(seen.max),
            bytes(seen.end),
            bytes(seen.window),
        ]);
    }
    server.process.stop();
    for table in [&accepted, &refused, &memory] {
        table.print();
    }
    let mut page = Page::new(
        "Overload",
        &format!("cargo xtask bench overload --seconds {seconds} --registers {registers}"),
    );
    page.paragraph("The closed loop is what saturates the server: 8 calls of 1000 events in flight over 4 connections, 64 calls of one event over 8, 4 streams of 8 batches over 4.");
    page.paragraph(&format!("The open loop has {TIMES} times the connections (and streams), and batches come at {RATE:.0} times the rate that the closed loop came to, whatever became of those before; 4096 calls may be under way, and 32 batches of each stream. Times are from when a batch was due, and what is refused is not sent again. Each run ends with the server's counts equal to what it accepted."));
    page.heading("What is accepted");
    page.table(&accepted);
    page.heading("What is refused");
    page.table(&refused);
    page.paragraph("In the server a refusal is timed from when the head of its call was read, or a batch of a stream was whole; in flight is counted over all calls, and of one stream. The generator shares the two cores, so what it sees is also its own waiting for a processor: the sockets' queues before the server reads, and its own behind the answers.");
    page.heading("Memory");
    page.table(&memory);
    page.paragraph("Resident memory of the server every 200 ms, without the window of insert ids, which grows by every event that is accepted; the last column is by how much.");
    page.write("overload.md", out.as_deref())
}

fn closed_loop(form: &Form) -> Vec<String> {
    let mut args = vec!["--in-flight".to_owned(), form.in_flight.to_string()];
    args.extend(["--connections".to_owned(), form.connections.to_string()]);
    args.extend(["--streams".to_owned(), form.connections.to_string()]);
    args
}

fn open_loop(form: &Form, rate: f64) -> Vec<String> {
    let n_connections = (form.connections * TIMES).to_string();
    let mut args = vec!["--open-loop".to_owned(), "--rate".to_owned(), format!("{rate:.0}")];
    args.extend(["--connections".to_owned(), n_connections.clone()]);
    args.extend(["--streams".to_owned(), n_connections]);
    args
}

fn strs(args: &[String]) -> Vec<&str> {
    args.iter().map(String::as_str).collect()
}

/// Runs a load and looks at the server's memory beside it.
fn watch_memory(
    server: &Server,
    load: impl FnOnce() -> anyhow::Result<Report>,
) -> anyhow::Result<(Report, Memory)> {
    let is_over = AtomicBool::new(false);
    let look = || {
        let window = server.figure("window_resident_bytes");
        (server.process.resident_bytes().saturating_sub(window), window)
    };
    thread::scope(|scope| {
        let watching = scope.spawn(|| {
            let (start, window_before) = look();
            let mut seen = Memory { start, max: start, ..Memory::default() };
            while !is_over.load(Ordering::Relaxed) {
                sleep(LOOK);
                seen.max = seen.max.max(look().0);
            }
            let (end, window_after) = look();
            Memory { end, window: window_after.saturating_sub(window_before), ..seen }
        });
        let report = load();
        is_over.store(true, Ordering::Relaxed);
        let seen = watching.join().unwrap_or_default();
        Ok((report?, seen))
    })
}

fn times(report: &Report, what: &str) -> String {
    let [p50, p99, max] =
        ["p50_ms", "p99_ms", "max_ms"].map(|name| short(report.number(&format!("{what}{name}"))));
    format!("{p50} / {p99} / {max}")
}

fn within(refusals: Refusals) -> String {
    if refusals.all == 0 {
        return "none".to_owned();
    }
    let late = refusals.all.saturating_sub(refusals.within_10_ms);
    format!(
        "{} (all but {})",
        percent(refusals.within_10_ms as f64 / refusals.all as f64),
        grouped(late as f64)
    )
}

fn percent(share: f64) -> String {
    format!("{} %", short(share * 100.0))
}
