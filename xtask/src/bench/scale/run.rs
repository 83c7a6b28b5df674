//! One dimension after the other, and the page.

use anyhow::bail;

use super::super::number::{grouped, short};
use super::super::page::{self, Page, Table};
use super::super::svg::Plot;
use super::super::workshop::Workshop;
use super::point::{Lab, Point};
use super::{connections, flags, projects, registers};
use crate::flags::Scale;

/// Something that grows.
pub(super) struct Dimension {
    /// One word, which is also in the name of its plot.
    pub(super) name: &'static str,
    /// What stays as it is.
    pub(super) about: &'static str,
    pub(super) measure: fn(&Lab<'_>) -> anyhow::Result<Vec<Point>>,
}

const DIMENSIONS: &[Dimension] =
    &[registers::DIMENSION, projects::DIMENSION, flags::DIMENSION, connections::DIMENSION];

/// Measures and writes `scale.md` and its plots.
pub(in crate::bench) fn run(options: &Scale, workshop: &Workshop) -> anyhow::Result<()> {
    let only = options.only.as_deref();
    let wanted = || DIMENSIONS.iter().filter(|it| only.is_none_or(|only| only == it.name));
    if wanted().next().is_none() {
        bail!("`{}` is none of registers, projects, flags, connections", only.unwrap_or_default());
    }
    let Workshop { binaries, scratch, out } = workshop;
    let seconds = options.seconds.unwrap_or(4).max(1);
    let most = options.max_registers.unwrap_or(10_000_000);
    let lab = Lab {
        binaries,
        scratch,
        seconds: seconds.to_string(),
        max_registers: most,
        memory_limit: options.memory_limit.as_deref(),
        zipf: options.zipf.map(|theta| theta.to_string()),
    };
    let mut command = format!("cargo xtask bench scale --seconds {seconds} --max-registers {most}");
    for (name, value) in [
        ("--only", only.map(str::to_owned)),
        ("--memory-limit", options.memory_limit.clone()),
        ("--zipf", lab.zipf.clone()),
    ] {
        if let Some(value) = value {
            command = [&command, " ", name, " ", &value].concat();
        }
    }
    let mut page = Page::new("Cost of an event as things grow", &command);
    page.paragraph(
        "Each row is a server of its own, started empty, filled, and measured for a few seconds with fresh ids and times; client and server share the machine.\n\
         Processor time is the server's, of all its threads with what they do in the background meanwhile, in nanoseconds an event.\n\
         Memory is what is resident beyond an empty server, without the window of insert ids, for each register.",
    );
    for dimension in wanted() {
        println!("\n==> {}", dimension.name);
        let points = (dimension.measure)(&lab)?;
        let table = table(&points);
        table.print();
        let name = format!("scale-{}.svg", dimension.name);
        let mut lines: Vec<(&str, Vec<(f64, f64)>)> = Vec::new();
        for point in &points {
            match lines.iter_mut().find(|line| line.0 == point.load) {
                Some(line) => line.1.push((point.n as f64, point.cpu_ns)),
                None => lines.push((point.load, vec![(point.n as f64, point.cpu_ns)])),
            }
        }
        let title = format!("Server processor time an event, against {}", dimension.name);
        let plot = Plot { title: &title, x: dimension.name, y: "ns an event", lines };
        page::write(&page::path(&name, out.as_deref()), &plot.svg())?;
        page.heading(&format!("By {}", dimension.name));
        page.paragraph(dimension.about);
        page.table(&table);
        page.paragraph(&format!("![{title}]({name})"));
    }
    page.write("scale.md", out.as_deref())
}

fn table(points: &[Point]) -> Table {
    let mut table = Table::new(&[
        "n",
        "load",
        "events/s",
        "p50 / p99 ms",
        "processor ns an event",
        "times the row before",
        "memory B a register",
    ]);
    for (index, point) in points.iter().enumerate() {
        let before = points.iter().take(index).rev().find(|it| it.load == point.load);
        table.row([
            grouped(point.n as f64),
            point.load.to_owned(),
            grouped(point.events_per_s),
            format!("{} / {}", short(point.p50_ms), short(point.p99_ms)),
            grouped(point.cpu_ns),
            before.map_or_else(String::new, |before| short(point.cpu_ns / before.cpu_ns.max(1.0))),
            point.register_bytes.map_or_else(String::new, short),
        ]);
    }
    table
}
