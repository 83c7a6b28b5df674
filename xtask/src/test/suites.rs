//! The suites, in order: build, Rust, Python, DuckDB.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::bail;

use super::environment;
use crate::flags::{Suite, Test};
use crate::step::{self, Outcome, Steps};
use crate::workspace;

/// Rounds of `kill -9` in the crash test unless the command line says otherwise.
const KILL_ROUNDS: u32 = 200;
/// What pytest answers when no test matched.
const NOTHING_COLLECTED: i32 = 5;

/// Runs the suites and closes with the counts.
pub(crate) fn run(options: &Test) -> anyhow::Result<ExitCode> {
    let mut steps = Steps::new("test");
    suites(&mut steps, options)?;
    Ok(steps.finish())
}

/// Runs the suites as steps of a task.
pub(crate) fn suites(steps: &mut Steps, options: &Test) -> anyhow::Result<()> {
    let wanted = |suite| options.only.is_none_or(|only| only == suite);
    let rounds = options.kill_rounds.unwrap_or(KILL_ROUNDS).to_string();
    let target = workspace::target_directory()?;
    let binary = target.join("debug").join(format!("exposure{}", std::env::consts::EXE_SUFFIX));

    let built = steps.command("build", &mut build(wanted(Suite::Rust)));
    if wanted(Suite::Rust) {
        if built {
            let mut tests = workspace::cargo(&["test", "--workspace", "--no-fail-fast"]);
            steps.command("rust", tests.env("EXPOSURE_KILL_ROUNDS", &rounds));
        } else {
            steps.step("rust", || Ok(Outcome::NotRun("a workspace that builds".to_owned())));
        }
    }
    let pytests: Vec<_> =
        [("python", Suite::Python, "not duckdb"), ("duckdb", Suite::DuckDb, "duckdb")]
            .into_iter()
            .filter(|(_, suite, _)| wanted(*suite))
            .collect();
    if pytests.is_empty() {
        return Ok(());
    }
    let mut python = None;
    steps.step("python environment", || {
        let (found, outcome) = environment::prepare(&target)?;
        python = found;
        Ok(outcome)
    });
    for (name, _, marked) in pytests {
        steps.step(name, || match &python {
            _ if !built => Ok(Outcome::NotRun("a workspace that builds".to_owned())),
            None => Ok(Outcome::NotRun("the python environment".to_owned())),
            Some(python) => {
                pytest_outcome(step::code(&mut pytest(python, marked, &binary, &rounds))?, marked)
            }
        });
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

fn pytest(python: &Path, marked: &str, binary: &Path, rounds: &str) -> Command {
    let mut command = workspace::command(python);
    // The tree is not written to: neither caches nor bytecode.
    let args = ["-m", "pytest", "-p", "no:cacheprovider", "-ra", "-m", marked, "tests/python"];
    command.args(args.map(OsStr::new));
    command.env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONUNBUFFERED", "1");
    command.env("EXPOSURE_BIN", binary).env("EXPOSURE_KILL_ROUNDS", rounds);
    command
}

fn pytest_outcome(code: Option<i32>, marked: &str) -> anyhow::Result<Outcome> {
    match code {
        Some(0) => Ok(Outcome::Passed),
        Some(NOTHING_COLLECTED) => {
            Ok(Outcome::NotRun(format!("tests marked `{marked}` in tests/python")))
        }
        Some(code) => bail!("pytest ended with code {code}"),
        None => bail!("pytest was ended by a signal"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suite_without_tests_did_not_run() {
        assert_eq!(pytest_outcome(Some(0), "duckdb").unwrap(), Outcome::Passed);
        assert!(
            matches!(pytest_outcome(Some(5), "duckdb").unwrap(), Outcome::NotRun(needs) if needs.contains("duckdb"))
        );
        for code in [Some(1), Some(2), Some(4), None] {
            assert!(pytest_outcome(code, "duckdb").is_err(), "{code:?}");
        }
    }

    #[test]
    fn pytest_is_told_of_binary_and_rounds() {
        let command = pytest(Path::new("python"), "not duckdb", Path::new("exposure"), "7");
        let variables: Vec<_> = command.get_envs().collect();
        for (name, value) in [("EXPOSURE_BIN", "exposure"), ("EXPOSURE_KILL_ROUNDS", "7")] {
            assert!(variables.contains(&(OsStr::new(name), Some(OsStr::new(value)))), "{name}");
        }
    }
}
