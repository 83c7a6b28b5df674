//! `cargo xtask verify`: every check, the quick ones first. Never writes.

use std::process::ExitCode;

use crate::flags::{Test, Verify};
use crate::step::{Outcome, Steps};
use crate::{codegen, test, tidy, workspace};

/// Runs every check even after one failed, then the tests.
pub(crate) fn run(options: &Verify) -> anyhow::Result<ExitCode> {
    let mut steps = Steps::new("verify");
    steps.command("fmt", &mut workspace::cargo(&["fmt", "--all", "--check"]));
    steps.step("tidy", || tidy::check().map(|()| Outcome::Passed));
    steps.command("proto lint", &mut codegen::command(&["lint"]));
    steps.command("proto breaking", &mut codegen::command(&["breaking"]));
    steps.command("codegen --check", &mut codegen::command(&["--check"]));
    let clippy = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    steps.command("clippy", &mut workspace::cargo(&clippy));
    let mut docs = workspace::cargo(&["doc", "--no-deps", "--workspace"]);
    steps.command("rustdoc", docs.env("RUSTDOCFLAGS", "-D warnings"));
    if !options.quick {
        test::suites(&mut steps, &Test { kill_rounds: None, only: None })?;
    }
    Ok(steps.finish())
}
