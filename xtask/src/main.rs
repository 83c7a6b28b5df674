//! The tasks of this workspace: `cargo xtask --help` lists them.
//!
//! Tasks that check (`test`, `verify`, `tidy`) never write to the tree; tasks that write are named apart (`fix`,
//! `codegen`). This crate stays small, and depends on no crate of the workspace, so that it builds in seconds.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool talks to the terminal"
)]

mod flags;
mod step;
mod workspace;

mod bench;
mod codegen;
mod doctor;
mod fix;
mod fuzz;
mod nightly;
mod policy;
mod release;
mod test;
mod tidy;
mod verify;

use std::process::ExitCode;

use flags::{ProtoCmd, XtaskCmd};

fn main() -> ExitCode {
    let flags = flags::Xtask::from_env_or_exit();
    match run(flags.subcommand) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: XtaskCmd) -> anyhow::Result<ExitCode> {
    match task {
        XtaskCmd::Test(options) => test::run(&options),
        XtaskCmd::Verify(options) => verify::run(&options),
        XtaskCmd::Fix(_) => Ok(fix::run()),
        XtaskCmd::Codegen(options) => codegen::run(if options.check { &["--check"] } else { &[] }),
        XtaskCmd::Proto(proto) => match proto.subcommand {
            ProtoCmd::Lint(_) => codegen::run(&["lint"]),
            ProtoCmd::Breaking(_) => codegen::run(&["breaking"]),
            ProtoCmd::Accept(_) => codegen::run(&["accept"]),
        },
        XtaskCmd::Tidy(_) => tidy::run(),
        XtaskCmd::Bench(options) => bench::run(&options),
        XtaskCmd::Fuzz(options) => fuzz::run(&options),
        XtaskCmd::Nightly(options) => Ok(nightly::run(&options)),
        XtaskCmd::Doctor(_) => Ok(doctor::run()),
        XtaskCmd::Msrv(options) => policy::msrv(options.strict),
        XtaskCmd::Deny(options) => policy::deny(options.strict),
        XtaskCmd::Release(_) => release::run(),
    }
}
