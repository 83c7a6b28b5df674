//! `cargo xtask fuzz`: the fuzz tests with more cases.
//!
//! They are proptest and bolero tests on the stable toolchain whose names contain `fuzz`: part of every test run, there
//! with few cases.
//! They run in the dev profile, whose overflow checks and debug assertions find more.

use std::process::{ExitCode, Stdio};

use anyhow::bail;

use crate::flags::Fuzz;
use crate::{step, workspace};

const CASES: u32 = 100_000;

/// Runs the tests that match the filter with many cases; fails where none does.
pub(crate) fn run(options: &Fuzz) -> anyhow::Result<ExitCode> {
    let filter = options.filter.as_deref().unwrap_or("fuzz");
    let cases = options.cases.unwrap_or(CASES);
    let arguments = ["test", "--workspace", "--tests", "--", filter];
    let mut list = workspace::cargo(&arguments);
    // What the build says stays visible.
    list.args(["--list", "--format", "terse"]).stderr(Stdio::inherit());
    let listed = workspace::output(&mut list)?;
    let n_tests = count_tests(&listed);
    if n_tests == 0 {
        bail!("no test has `{filter}` in its name");
    }
    println!("{n_tests} tests, {cases} cases each");
    let cases = cases.to_string();
    let mut tests = workspace::cargo(&arguments);
    step::run(tests.env("PROPTEST_CASES", &cases).env("BOLERO_RANDOM_ITERATIONS", &cases))?;
    Ok(ExitCode::SUCCESS)
}

/// Tests in the terse listing of the test harness.
fn count_tests(listing: &str) -> usize {
    listing.lines().filter(|line| line.ends_with(": test")).count()
}

#[cfg(test)]
mod tests {
    use super::count_tests;

    #[test]
    fn counts_tests_and_no_benches() {
        assert_eq!(
            count_tests("decode::fuzz_batch: test\nfuzz_line: test\nfuzz_speed: bench\n"),
            2
        );
        assert_eq!(count_tests(""), 0);
    }
}
