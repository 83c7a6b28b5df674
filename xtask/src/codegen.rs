//! Hands over to `exposure-codegen`, which is a crate of its own so that this one builds in seconds.

use std::process::{Command, ExitCode};

use crate::step;
use crate::workspace::cargo;

/// Runs `exposure-codegen` with arguments.
pub(crate) fn run(args: &[&str]) -> anyhow::Result<ExitCode> {
    step::run(&mut command(args))?;
    Ok(ExitCode::SUCCESS)
}

/// The command that does it.
pub(crate) fn command(args: &[&str]) -> Command {
    let mut command = cargo(&["run", "--quiet", "--package", "exposure-codegen", "--"]);
    command.args(args);
    command
}
