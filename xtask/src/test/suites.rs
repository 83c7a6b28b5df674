//! The suites, in order: build, Rust, counts of instructions, Python, DuckDB, senders, clients.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use super::pytest::Pytest;
use super::{clients, environment, senders};
use crate::flags::{Suite, Test};
use crate::step::{Outcome, Steps};
use crate::{bench, workspace};

/// Rounds of `kill -9` in the crash test unless the command line says otherwise.
const KILL_ROUNDS: u32 = 200;
/// What no suite can do without.
const WORKSPACE: &str = "a workspace that builds";

/// Runs the suites and closes with the counts.
pub(crate) fn run(options: &Test) -> anyhow::Result<ExitCode> {
    let mut steps = Steps::new("test");
    suites(&mut steps, options)?;
    Ok(steps.finish())
}

/// Runs the suites as steps of a task.
pub(crate) fn suites(steps: &mut Steps, options: &Test) -> anyhow::Result<()> {
    let wanted = |suite| options.only.is_none_or(|only| only.includes(suite));
    let rounds = options.kill_rounds.unwrap_or(KILL_ROUNDS).to_string();
    let target = workspace::target_directory()?;
    let binary = target.join("debug").join(format!("exposure{}", std::env::consts::EXE_SUFFIX));

    let built = steps.command("build", &mut build(wanted(Suite::Rust)));
    if wanted(Suite::Rust) {
        if built {
            let mut tests = workspace::cargo(&["test", "--workspace", "--no-fail-fast"]);
            steps.command("rust", tests.env("EXPOSURE_KILL_ROUNDS", &rounds));
        } else {
            steps.step("rust", || Ok(Outcome::NotRun(WORKSPACE.to_owned())));
        }
    }
    if wanted(Suite::Counts) {
        steps.step("counts", bench::check_counts);
    }
    let pytests: Vec<_> =
        [("python", Suite::Python, "not duckdb"), ("duckdb", Suite::DuckDb, "duckdb")]
            .into_iter()
            .filter(|(_, suite, _)| wanted(*suite))
            .collect();
    let senders: Vec<_> = senders::ALL
        .iter()
        .filter(|sender| wanted(Suite::Senders(Some(sender.language))))
        .collect();
    if pytests.is_empty() && senders.is_empty() && !wanted(Suite::Clients) {
        return Ok(());
    }
    let mut python = None;
    steps.step("python environment", || {
        let (found, outcome) =
            environment::prepare(&target.join("python-env"), environment::TESTS)?;
        python = found;
        Ok(outcome)
    });
    let ready = match &python {
        _ if !built => Err(WORKSPACE),
        None => Err("the python environment"),
        Some(python) => Ok(python.as_path()),
    };
    for (name, _, marked) in pytests {
        let variables = vec![
            ("EXPOSURE_BIN", binary.clone()),
            ("EXPOSURE_KILL_ROUNDS", PathBuf::from(&rounds)),
        ];
        steps.step(name, || match ready {
            Ok(python) => Pytest { python, directory: "tests/python", marked, variables }.run(),
            Err(needs) => Ok(Outcome::NotRun(needs.to_owned())),
        });
    }
    for sender in senders {
        senders::run(steps, sender, ready, &target, &binary);
    }
    if wanted(Suite::Clients) {
        clients::run(steps, ready, &target, &binary);
    }
    Ok(())
}

/// Builds the binary, and with `tests` all that `cargo test` will run: in one go, so that features are the same in both
/// and nothing is built twice.
fn build(tests: bool) -> Command {
    if tests {
        workspace::cargo(&["build", "--workspace", "--lib", "--bins", "--tests", "--examples"])
    } else {
        workspace::cargo(&["build", "--package", "exposure-server", "--bin", "exposure"])
    }
}
