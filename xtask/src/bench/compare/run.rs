//! The rounds: in each of them every cell is measured once, so that what the machine does besides strikes all alike.

use std::time::Duration;

use super::super::binaries::Binaries;
use super::super::load::{Report, preload};
use super::super::process::settle;
use super::super::server::{SOON, Server};
use super::super::workshop::Workshop;
use super::cells::{CELLS, Cell, Contender};
use super::peer::NullServer;
use super::postgres::Postgres;
use super::redis::Redis;
use super::{packages, report};
use crate::flags::Compare;

/// How long whoever was measured may go on with what it has left to do.
const SETTLE: Duration = Duration::from_mins(2);

/// What was asked for, with its defaults.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    pub(super) runs: u32,
    pub(super) seconds: u32,
    pub(super) registers: u64,
}

/// What one cell gave in one round.
#[derive(Debug)]
pub(super) struct Result {
    pub(super) cell: &'static Cell,
    pub(super) report: Report,
    /// How long the server went on afterwards.
    pub(super) settled: Duration,
}

/// Everybody who stays up over all rounds.
struct Field {
    null: NullServer,
    postgres: Postgres,
    redis: Redis,
}

/// Measures and writes `compare.md`.
pub(in crate::bench) fn run(
    options: &Compare,
    workshop: impl FnOnce() -> anyhow::Result<Workshop>,
) -> anyhow::Result<()> {
    let settings = Settings {
        runs: options.runs.unwrap_or(5).max(1),
        seconds: options.seconds.unwrap_or(4).max(1),
        registers: options.registers.unwrap_or(10_000_000),
    };
    packages::ensure()?;
    let Workshop { binaries, scratch, out } = &workshop()?;
    println!(
        "\n==> starting PostgreSQL, Redis and the null server, with {} registers each",
        settings.registers
    );
    let field = Field {
        null: NullServer::start(binaries, scratch)?,
        postgres: Postgres::start(binaries, scratch, settings.registers)?,
        redis: Redis::start(binaries, scratch, settings.registers)?,
    };
    let mut results = Vec::new();
    for round in 1..=settings.runs {
        println!("\n==> round {round} of {}", settings.runs);
        // Anew in each round: the disk does not fill up with what was measured before.
        let server = Server::start(binaries, &scratch.join("exposure"), SOON)?;
        preload(binaries, &server, &["--registers", &settings.registers.to_string()])?;
        settled(&server, &field);
        for cell in CELLS {
            let report = measure(cell, binaries, &server, &field, settings)?;
            let settled = settled(&server, &field);
            println!(
                "{:<34} {:>12} events/s, p99 {} ms, then busy for {:.1} s",
                cell.name,
                super::super::number::grouped(report.events_per_s()),
                report.number("p99_ms"),
                settled.as_secs_f64()
            );
            results.push(Result { cell, report, settled });
        }
        server.process.stop();
        scratch.clear("exposure")?;
    }
    let versions = [Postgres::version(), Redis::version()];
    report::write(settings, &results, &versions, out.as_deref())
}

/// Waits until nobody has anything left to do.
fn settled(server: &Server, field: &Field) -> Duration {
    server.settle(SETTLE) + settle(&[field.postgres.process(), field.redis.process()], SETTLE)
}

fn measure(
    cell: &Cell,
    binaries: &Binaries,
    server: &Server,
    field: &Field,
    settings: Settings,
) -> anyhow::Result<Report> {
    let (seconds, registers) = (settings.seconds.to_string(), settings.registers.to_string());
    let common = [&["--registers", registers.as_str()], cell.args].concat();
    match cell.contender {
        Contender::Exposure => super::super::load::load(
            binaries,
            server,
            &[&["--duration", seconds.as_str()], &common[..]].concat(),
        ),
        Contender::Null => {
            field.null.load(binaries, &[&["--duration", seconds.as_str()], &common[..]].concat())
        }
        Contender::Postgres => {
            field.postgres.load(binaries, &[&["--seconds", seconds.as_str()], &common[..]].concat())
        }
        Contender::Redis => {
            field.redis.load(binaries, &[&["--seconds", seconds.as_str()], &common[..]].concat())
        }
    }
}
