//! The server under load, a profile of it, and the limits beside it.

use std::time::Duration;

use super::super::compare::NullServer;
use super::super::load::{UNARY_1000, load, preload};
use super::super::number::{grouped, short};
use super::super::page::{self, Page, Table};
use super::super::server::Server;
use super::super::workshop::Workshop;
use super::perf::Recording;
use super::{flame, perf, rooms};
use crate::flags::Profile;

/// Takes the profile, and writes `flame.svg` and `profile.md`.
pub(in crate::bench) fn run(
    options: &Profile,
    workshop: impl FnOnce() -> anyhow::Result<Workshop>,
) -> anyhow::Result<()> {
    perf::ensure()?;
    let seconds = options.seconds.unwrap_or(10).max(2);
    let registers = options.registers.unwrap_or(10_000_000).to_string();
    let Workshop { binaries, scratch, out } = &workshop()?;
    let null = NullServer::start(binaries, scratch)?;
    let server = Server::start(binaries, &scratch.join("exposure"), &[])?;
    preload(binaries, &server, &["--registers", &registers])?;
    server.settle(Duration::from_mins(2));

    // First without a profile, which costs time itself.
    let duration = seconds.to_string();
    let args = [&["--registers", registers.as_str(), "--duration", &duration], UNARY_1000].concat();
    let cpu = server.process.cpu_seconds();
    let report = load(binaries, &server, &args)?;
    let cpu_ns = (server.process.cpu_seconds() - cpu) * 1e9 / report.number("events").max(1.0);
    server.settle(Duration::from_mins(2));
    let null_cpu = null.cpu_seconds();
    let acknowledged = null.load(binaries, &args)?;
    let null_ns = (null.cpu_seconds() - null_cpu) * 1e9 / acknowledged.number("events").max(1.0);

    let recording = Recording::start(server.process.id(), scratch)?;
    load(binaries, &server, &args)?;
    let samples = recording.finish()?;
    server.process.stop();

    let shares = rooms::shares(&samples);
    let mut table = Table::new(&["room", "what", "share", "ns an event"]);
    for room in &shares {
        table.row([
            room.name.to_owned(),
            room.about.to_owned(),
            format!("{:.1} %", room.share * 100.0),
            short(room.share * cpu_ns),
        ]);
    }
    table.print();
    let graph = flame::svg(
        &samples,
        &format!("exposure serve, unary 1000, {} events/s", grouped(report.events_per_s())),
    );
    page::write(&page::path("flame.svg", out.as_deref()), &graph)?;
    let mut page = Page::new(
        "A profile of the server",
        &format!("cargo xtask bench profile --seconds {seconds} --registers {registers}"),
    );
    page.paragraph(&format!(
        "Unary calls of 1000 events, 8 in flight, {registers} registers resident: {} events/s, {cpu_ns:.0} ns of the server's processor time an event, all of its threads.\n\
         A server that only decodes and acknowledges takes {null_ns:.0} ns and makes {} events/s: that is what transport and decoder allow.",
        grouped(report.events_per_s()),
        grouped(acknowledged.events_per_s())
    ));
    page.paragraph(&format!(
        "{} samples by `perf` of the same binary, with stacks. A sample belongs to the innermost function on its stack that has a room: copying and allocating count with whoever does it.",
        grouped(samples.iter().map(|it| it.n as f64).sum())
    ));
    page.table(&table);
    page.heading("Functions");
    page.paragraph("The functions that ran when samples were taken, without what they called.");
    page.table(&functions(&samples, cpu_ns));
    page.paragraph("![Flame graph](flame.svg)");
    page.paragraph("Open the graph by itself to read it: each box says its name and its share under the pointer.");
    page.write("profile.md", out.as_deref())
}

fn functions(samples: &[perf::Stack], cpu_ns: f64) -> Table {
    let mut table = Table::new(&["function", "share", "ns an event"]);
    for (name, share) in rooms::leaves(samples).into_iter().take(25) {
        table.row([format!("`{name}`"), format!("{:.1} %", share * 100.0), short(share * cpu_ns)]);
    }
    table
}
