//! `cargo xtask bench burst`: as fast as it goes for a while, and what is left to do afterwards.

use super::load::{STREAM_1000, UNARY_1000, load, preload};
use super::number::{grouped, short};
use super::page::{Page, Table};
use super::server::Server;
use super::sustained::look_beside;
use super::workshop::Workshop;
use crate::flags::Burst;

/// Names of bursts with the generator's arguments.
const BURSTS: &[(&str, &[&str])] =
    &[("unary 1000, 8 in flight", UNARY_1000), ("stream 1000, 4 streams", STREAM_1000)];

/// Measures and writes `burst.md`.
pub(super) fn run(options: &Burst, workshop: &Workshop) -> anyhow::Result<()> {
    let seconds = options.seconds.unwrap_or(20).max(1).to_string();
    let registers = options.registers.unwrap_or(10_000_000).to_string();
    let Workshop { binaries, scratch, out } = workshop;
    let mut page = Page::new(
        "Bursts",
        &format!("cargo xtask bench burst --seconds {seconds} --registers {registers}"),
    );
    page.paragraph("Each burst has a server of its own with its registers written once before; the second table is what the server has left to do, during the burst and after it.");
    for (name, args) in BURSTS {
        println!("\n==> {name}");
        let server = Server::start(binaries, &scratch.join("exposure"), &[])?;
        preload(binaries, &server, &["--registers", &registers])?;
        let args = [&["--registers", registers.as_str(), "--duration", &seconds], *args].concat();
        let (report, course) = look_beside(&server, || load(binaries, &server, &args))?;
        server.process.stop();
        scratch.clear("exposure")?;
        let worst = report.numbers("events_each_s").into_iter().fold(f64::INFINITY, f64::min);
        let mut table = Table::new(&["events/s", "in the worst second", "p50 / p99 / worst ms"]);
        table.row([
            grouped(report.events_per_s()),
            grouped(if worst.is_finite() { worst } else { 0.0 }),
            format!(
                "{} / {} / {}",
                short(report.number("p50_ms")),
                short(report.number("p99_ms")),
                short(report.number("max_ms"))
            ),
        ]);
        table.print();
        course.print();
        page.heading(name);
        page.table(&table);
        page.table(&course);
    }
    page.write("burst.md", out.as_deref())
}
