//! Which bench.

use std::process::ExitCode;

use super::workshop::Workshop;
use super::{
    burst, compare, counts, memory, overload, profile, scale, slow_fsync, sustained, window,
};
use crate::flags::{Bench, BenchCmd};
use crate::{step, workspace};

/// Runs one of the benches.
pub(crate) fn run(bench: &Bench) -> anyhow::Result<ExitCode> {
    match &bench.subcommand {
        BenchCmd::Criterion(options) => criterion(options.filter.as_deref())?,
        BenchCmd::Counts(options) => counts::run(options)?,
        BenchCmd::Compare(options) => compare::run(options, || Workshop::new(bench))?,
        BenchCmd::Profile(options) => profile::run(options, || Workshop::new(bench))?,
        BenchCmd::SlowFsync(options) => slow_fsync::run(options, || Workshop::new(bench))?,
        BenchCmd::Scale(options) => scale::run(options, &Workshop::new(bench)?)?,
        BenchCmd::Sustained(options) => sustained::run(options, &Workshop::new(bench)?)?,
        BenchCmd::Burst(options) => burst::run(options, &Workshop::new(bench)?)?,
        BenchCmd::Overload(options) => overload::run(options, &Workshop::new(bench)?)?,
        BenchCmd::Memory(options) => memory::run(options, &Workshop::new(bench)?)?,
        BenchCmd::Window(options) => window::run(options, &Workshop::new(bench)?)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn criterion(filter: Option<&str>) -> anyhow::Result<()> {
    let mut command = workspace::cargo(&["bench", "--package", "exposure-benches"]);
    if let Some(filter) = filter {
        command.args(["--", filter]);
    }
    step::run(&mut command)
}
