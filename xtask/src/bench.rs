//! `cargo xtask bench`: the benches of `benches/`, whose README records their results.

use std::process::ExitCode;

use crate::{step, workspace};

/// Runs all benches, or those whose name contains `filter`.
pub(crate) fn run(filter: Option<&str>) -> anyhow::Result<ExitCode> {
    let mut command = workspace::cargo(&["bench", "--package", "exposure-benches"]);
    if let Some(filter) = filter {
        command.args(["--", filter]);
    }
    step::run(&mut command)?;
    Ok(ExitCode::SUCCESS)
}
