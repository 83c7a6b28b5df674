//! Counts, and compares or records.

use anyhow::bail;

use super::super::number::{grouped, short};
use super::super::page::Table;
use super::callgrind::{self, Count};
use super::judge::{Judgement, judge};
use super::record::Record;
use super::setting::Setting;
use crate::flags::Counts;
use crate::step::Outcome;

/// Compares with `benches/counts.toml`, or writes it.
pub(in crate::bench) fn run(options: &Counts) -> anyhow::Result<()> {
    if let Some(needs) = callgrind::missing() {
        bail!("needs {needs}");
    }
    let (setting, counts) = (Setting::read(), callgrind::count()?);
    if options.record {
        print(&counts, None);
        return Record::new(setting, &counts).write();
    }
    match compare(&setting, &counts)? {
        Outcome::Passed => Ok(()),
        Outcome::NotRun(needs) => bail!("not comparable: needs {needs}"),
    }
}

/// The same as a step of the tests: it does not run where the counts would say nothing.
pub(crate) fn check() -> anyhow::Result<Outcome> {
    if let Some(needs) = callgrind::missing() {
        return Ok(Outcome::NotRun(needs));
    }
    let setting = Setting::read();
    if let Some(needs) = Record::read()?.setting.differs_from(&setting) {
        return Ok(Outcome::NotRun(needs));
    }
    compare(&setting, &callgrind::count()?)
}

fn compare(setting: &Setting, counts: &[Count]) -> anyhow::Result<Outcome> {
    let record = Record::read()?;
    print(counts, Some(&record));
    if let Some(needs) = record.setting.differs_from(setting) {
        return Ok(Outcome::NotRun(needs));
    }
    let mut failures = Vec::new();
    for judgement in judge(counts, &record) {
        match judgement {
            Judgement::Held => {}
            Judgement::Fell(what) => {
                println!("{what}: record it with `cargo xtask bench counts --record`");
            }
            Judgement::Failed(what) => failures.push(what),
        }
    }
    if failures.is_empty() {
        return Ok(Outcome::Passed);
    }
    bail!(
        "{}; where it is meant, say why and record it with `cargo xtask bench counts --record`",
        failures.join("; ")
    )
}

fn print(counts: &[Count], record: Option<&Record>) {
    let mut table = Table::new(&["part", "instructions", "an event", "recorded", "change"]);
    for count in counts {
        let recorded = record.and_then(|record| record.counts.get(&count.name).copied());
        let change =
            recorded.map(|it| (count.instructions as f64 / it.max(1) as f64 - 1.0) * 100.0);
        table.row([
            count.name.clone(),
            grouped(count.instructions as f64),
            short(count.instructions as f64 / count.n_events.max(1) as f64),
            recorded.map_or_else(String::new, |it| grouped(it as f64)),
            change.map_or_else(String::new, |it| format!("{it:+.2} %")),
        ]);
    }
    table.print();
}
