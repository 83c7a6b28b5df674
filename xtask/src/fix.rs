//! `cargo xtask fix`: what can be mended by itself.

use std::process::ExitCode;

use crate::step::Steps;
use crate::{codegen, workspace};

/// Runs the tools that write, the formatter last.
pub(crate) fn run() -> ExitCode {
    let mut steps = Steps::new("fix");
    steps.command("codegen", &mut codegen::command(&[]));
    let clippy =
        ["clippy", "--fix", "--workspace", "--all-targets", "--allow-dirty", "--allow-staged"];
    steps.command("clippy --fix", &mut workspace::cargo(&clippy));
    steps.command("fmt", &mut workspace::cargo(&["fmt", "--all"]));
    steps.finish()
}
