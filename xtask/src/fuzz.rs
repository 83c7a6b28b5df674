//! `cargo xtask fuzz`: the fuzz tests with more cases.
//!
//! They are property tests on the stable toolchain whose names contain `fuzz`: part of every test run, with few cases.

use std::process::ExitCode;

use anyhow::bail;

use crate::flags::Fuzz;
use crate::{step, workspace};

const CASES: u32 = 100_000;

/// Runs the tests that match the filter with many cases; fails where none does.
pub(crate) fn run(options: &Fuzz) -> anyhow::Result<ExitCode> {
    let filter = options.filter.as_deref().unwrap_or("fuzz");
    let cases = options.cases.unwrap_or(CASES);
    let arguments = ["test", "--workspace", "--tests", "--release", "--", filter];
    let listed =
        workspace::output(workspace::cargo(&arguments).args(["--list", "--format", "terse"]))?;
    let n_tests = count_tests(&listed);
    if n_tests == 0 {
        bail!("no test has `{filter}` in its name");
    }
    println!("{n_tests} tests, {cases} cases each");
    step::run(workspace::cargo(&arguments).env("PROPTEST_CASES", cases.to_string()))?;
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
