//! `cargo xtask bench window`: the window of insert ids, far beyond what it keeps in memory.

use anyhow::Context as _;
use serde_json::Value;

use super::number::{grouped, short};
use super::page::{self, Page, Table};
use super::svg::Plot;
use super::workshop::Workshop;
use crate::flags::Window;
use crate::workspace;

/// Measures and writes `window.md` and its plot.
pub(super) fn run(options: &Window, workshop: &Workshop) -> anyhow::Result<()> {
    let millions = options.millions.as_deref().unwrap_or("1,10,100");
    let Workshop { binaries, scratch, out } = workshop;
    let mut command = workspace::command(binaries.path("window_size"));
    command.arg(scratch.join("window")).args(millions.split(',').map(str::trim));
    let text = workspace::output(&mut command)?;
    let columns = [
        ("new, ns", "new_ns"),
        ("newest again, ns", "recent_duplicate_ns"),
        ("oldest again, ns", "oldest_duplicate_ns"),
        ("background, ns a new id", "background_ns"),
        ("batch of 1000 new, p99.9 ms", "new_p999_batch_ms"),
        ("memory, B an id", "resident_bytes_per_id"),
        ("disk, B an id", "disk_bytes_per_id"),
    ];
    let names: Vec<&str> = ["ids"].into_iter().chain(columns.map(|column| column.0)).collect();
    let mut table = Table::new(&names);
    let mut lines = columns[..3].iter().map(|(name, _)| (*name, Vec::new())).collect::<Vec<_>>();
    for line in text.lines() {
        let measured: Value = serde_json::from_str(line).context("window_size wrote no JSON")?;
        let number = |name: &str| measured.get(name).and_then(Value::as_f64).unwrap_or(0.0);
        let cells = columns.iter().map(|(_, member)| short(number(member)));
        table.row([grouped(number("ids"))].into_iter().chain(cells));
        for ((_, points), (_, member)) in lines.iter_mut().zip(columns) {
            points.push((number("ids"), number(member)));
        }
    }
    table.print();
    let title = "Cost of an insert id, against ids in the window";
    let mut page = Page::new(
        "The window of insert ids",
        &format!("cargo xtask bench window --millions {millions}"),
    );
    page.paragraph(
        "One thread offers batches of 1000 ids whose owners may have sent before, so that every one of them is searched for in all of the window; the answers are checked.\n\
         Memory is bounded by the default settings; beyond it ids are found in sorted runs on disk, through filters that are resident.\n\
         Writing and merging runs is background work, told apart.",
    );
    page.table(&table);
    page.paragraph(&format!("![{title}](window.svg)"));
    let plot = Plot { title, x: "ids", y: "ns an id", lines };
    page::write(&page::path("window.svg", out.as_deref()), &plot.svg())?;
    page.write("window.md", out.as_deref())
}
