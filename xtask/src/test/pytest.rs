//! Runs the tests in Python against the built binary.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::bail;

use crate::step::{self, Outcome};
use crate::workspace;

/// What pytest answers when no test matched.
const NOTHING_COLLECTED: i32 = 5;

/// A run of the tests of a directory that an expression of markers chooses.
#[derive(Debug)]
pub(super) struct Pytest<'a> {
    /// The interpreter of the environment.
    pub(super) python: &'a Path,
    /// The directory below the root.
    pub(super) directory: &'a str,
    /// The expression of markers.
    pub(super) marked: &'a str,
    /// Names and values of variables.
    pub(super) variables: Vec<(&'static str, PathBuf)>,
}

impl Pytest<'_> {
    /// Runs the tests.
    pub(super) fn run(&self) -> anyhow::Result<Outcome> {
        self.outcome(step::code(&mut self.command())?)
    }

    fn command(&self) -> Command {
        let mut command = workspace::command(self.python);
        // The tree is not written to: neither caches nor bytecode.
        let args = ["-m", "pytest", "-p", "no:cacheprovider", "-ra", "-m", self.marked];
        command.args(args).arg(self.directory);
        command.env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONUNBUFFERED", "1");
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    fn outcome(&self, code: Option<i32>) -> anyhow::Result<Outcome> {
        match code {
            Some(0) => Ok(Outcome::Passed),
            Some(NOTHING_COLLECTED) => {
                Ok(Outcome::NotRun(format!("tests marked `{}` in {}", self.marked, self.directory)))
            }
            Some(code) => bail!("pytest ended with code {code}"),
            None => bail!("pytest was ended by a signal"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    fn pytest() -> Pytest<'static> {
        Pytest {
            python: Path::new("python"),
            directory: "tests/python",
            marked: "duckdb",
            variables: vec![("EXPOSURE_BIN", PathBuf::from("exposure"))],
        }
    }

    #[test]
    fn a_suite_without_tests_did_not_run() {
        let pytest = pytest();
        assert_eq!(pytest.outcome(Some(0)).unwrap(), Outcome::Passed);
        assert!(
            matches!(pytest.outcome(Some(5)).unwrap(), Outcome::NotRun(needs) if needs.contains("duckdb"))
        );
        for code in [Some(1), Some(2), Some(4), None] {
            assert!(pytest.outcome(code).is_err(), "{code:?}");
        }
    }

    #[test]
    fn pytest_is_told_of_its_variables() {
        let command = pytest().command();
        let variables: Vec<_> = command.get_envs().collect();
        assert!(variables.contains(&(OsStr::new("EXPOSURE_BIN"), Some(OsStr::new("exposure")))));
    }
}
