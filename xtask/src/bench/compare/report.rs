//! The table, with ratios, and the page.

use std::path::Path;

use super::super::number::{grouped, short};
use super::super::page::{Page, Table};
use super::super::server::SOON;
use super::super::stats::Sample;
use super::cells::{CELLS, Cell, Contender};
use super::run::{Result, Settings};
use super::{postgres, redis};

/// Prints the table and writes the page.
pub(super) fn write(
    settings: Settings,
    results: &[Result],
    versions: &[String],
    out: Option<&Path>,
) -> anyhow::Result<()> {
    let table = table(results);
    table.print();
    let Settings { runs, seconds, registers } = settings;
    let command = format!(
        "cargo xtask bench compare --runs {runs} --seconds {seconds} --registers {registers}"
    );
    let mut page = Page::new("Beside PostgreSQL and Redis", &command);
    page.lines(&versions.iter().map(|version| format!("- {version}")).collect::<Vec<_>>());
    page.paragraph(&format!(
        "Client and server are two processes on one machine; {} registers are there before, ids and times are fresh, users uniform.\n\
         Every answer comes after the write is durable.\n\
         Each round measures every row once, in this order, for {seconds} s; before each row all servers are idle.\n\
         The medians of {runs} rounds, with the least and the greatest; the ratio is ours to theirs, the median of the rounds' own ratios.",
        grouped(registers as f64)
    ));
    page.table(&table);
    page.paragraph(
        "All of them keep the newest write of each register.\n\
         Ours besides checks every event, remembers its `insert_id` for 7 days, stores the exposure, counts it, and feeds changes to watchers; the peers do none of it.",
    );
    page.heading("Settings");
    page.paragraph(&format!(
        "exposure: the defaults of `exposure serve`, but `{}`: what came in is turned into files at once, not beside whoever is measured next.\n\
         PostgreSQL:",
        SOON.join(" ")
    ));
    page.block(
        &postgres::SETTINGS
            .iter()
            .map(|(name, value)| format!("{name} = {value}"))
            .collect::<Vec<_>>(),
    );
    page.paragraph(
        "A table with the primary key (user_id, flag_key), fillfactor 80; batches by `INSERT … SELECT FROM unnest($1, $2, $3, $4) ON CONFLICT … DO UPDATE … WHERE` newer, sorted by key and without a key twice, prepared, one transaction each; single events by the prepared statement of one row.\n\
         Redis:",
    );
    page.block(
        &redis::SETTINGS
            .iter()
            .map(|(name, value)| format!("{name} {value:?}"))
            .collect::<Vec<_>>(),
    );
    page.paragraph("A hash for each user, and a function in Lua that sets a field where the write is newer: `FCALL` with the 1000 events of a batch, or with one.");
    page.heading("Commands");
    page.block(&commands());
    page.write("compare.md", out)
}

fn table(results: &[Result]) -> Table {
    let mut table = Table::new(&[
        "what",
        "events/s",
        "least to greatest",
        "p50 / p99 / worst ms",
        "ours to it",
        "busy after",
    ]);
    for cell in CELLS {
        let of = |cell: &Cell| -> Vec<f64> {
            results
                .iter()
                .filter(|it| it.cell.name == cell.name)
                .map(|it| it.report.events_per_s())
                .collect()
        };
        let middle = |name: &str| {
            let reports = results.iter().filter(|it| it.cell.name == cell.name);
            reports.map(|it| it.report.number(name)).collect::<Sample>().median()
        };
        let rates: Sample = of(cell).into_iter().collect();
        let ours =
            CELLS.iter().find(|it| it.group == cell.group && it.contender == Contender::Exposure);
        let ratio = match ours {
            Some(ours) if cell.contender != Contender::Exposure => {
                let ratios: Sample = of(ours)
                    .iter()
                    .zip(of(cell))
                    .map(|(ours, theirs)| ours / theirs.max(1.0))
                    .collect();
                short(ratios.median())
            }
            _ => String::new(),
        };
        let settled = results
            .iter()
            .filter(|it| it.cell.name == cell.name)
            .map(|it| it.settled.as_secs_f64());
        table.row([
            cell.name.to_owned(),
            grouped(rates.median()),
            rates.span(),
            format!(
                "{} / {} / {}",
                short(middle("p50_ms")),
                short(middle("p99_ms")),
                short(middle("max_ms"))
            ),
            ratio,
            format!("{:.1} s", settled.collect::<Sample>().median()),
        ]);
    }
    table
}

/// What could be typed to measure a row by hand.
fn commands() -> Vec<String> {
    let program = |contender| match contender {
        Contender::Exposure => "exposure load --json",
        Contender::Null => "exposure load --json --unchecked --server http://127.0.0.1:7080",
        Contender::Postgres => "peer_postgres --port PORT",
        Contender::Redis => "peer_redis --port PORT",
    };
    CELLS
        .iter()
        .map(|cell| format!("{} {}", program(cell.contender), cell.args.join(" ")))
        .collect()
}
