//! Steps of a task: each is named, timed and counted, and its output stays visible.

use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::bail;

use crate::workspace;

/// How a step ended, where it did not fail.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    /// It could not run: what it needs, as a noun phrase.
    NotRun(String),
}

/// The steps of one task so far.
#[derive(Debug)]
pub(crate) struct Steps {
    task: &'static str,
    /// Whether a step that could not run fails the task.
    strict: bool,
    passed: Vec<String>,
    failed: Vec<String>,
    /// Name, and what is needed.
    not_run: Vec<(String, String)>,
    start: Instant,
}

impl Steps {
    /// No steps yet. Strict in continuous integration.
    pub(crate) fn new(task: &'static str) -> Self {
        Self {
            task,
            strict: workspace::in_ci(),
            passed: Vec::new(),
            failed: Vec::new(),
            not_run: Vec::new(),
            start: Instant::now(),
        }
    }

    /// Runs a step; says whether it passed. A failure is counted, and the task goes on.
    pub(crate) fn step(
        &mut self,
        name: &str,
        work: impl FnOnce() -> anyhow::Result<Outcome>,
    ) -> bool {
        println!("\n==> {name}");
        let start = Instant::now();
        let result = work();
        let seconds = start.elapsed().as_secs_f64();
        match result {
            Ok(Outcome::Passed) => {
                println!("<== {name}: passed in {seconds:.1} s");
                self.passed.push(name.to_owned());
                true
            }
            Ok(Outcome::NotRun(needs)) => {
                println!("<== {name}: not run, needs {needs}");
                self.not_run.push((name.to_owned(), needs));
                false
            }
            Err(error) => {
                println!("<== {name}: FAILED in {seconds:.1} s: {error:#}");
                self.failed.push(name.to_owned());
                false
            }
        }
    }

    /// Runs a command as a step.
    pub(crate) fn command(&mut self, name: &str, command: &mut Command) -> bool {
        self.step(name, || run(command).map(|()| Outcome::Passed))
    }

    /// Says what did not run and what failed, closes with the counts, and gives the exit code.
    pub(crate) fn finish(self) -> ExitCode {
        let (summary, success) = self.summary(self.start.elapsed());
        println!("\n{summary}");
        if success { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn summary(&self, elapsed: Duration) -> (String, bool) {
        let mut lines = Vec::new();
        for (name, needs) in &self.not_run {
            lines.push(format!("not run: {name}: needs {needs}"));
        }
        if self.strict && !self.not_run.is_empty() {
            lines.push("CI is set: what could not run counts as failed".to_owned());
        }
        for name in &self.failed {
            lines.push(format!("failed: {name}"));
        }
        let strictly_failed = if self.strict { self.not_run.len() } else { 0 };
        let failed = self.failed.len() + strictly_failed;
        let passed = self.passed.len();
        let left_out = match self.not_run.len() - strictly_failed {
            0 => String::new(),
            n => format!(", {n} not run"),
        };
        let seconds = elapsed.as_secs_f64();
        let task = self.task;
        lines.push(format!(
            "cargo xtask {task}: {passed} passed, {failed} failed{left_out} in {seconds:.0} s"
        ));
        // Nothing passed means nothing was shown.
        (lines.join("\n"), failed == 0 && !self.passed.is_empty())
    }
}

/// Runs a command with its output visible; an error unless it ends with success.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    match code(command)? {
        Some(0) => Ok(()),
        Some(code) => bail!("`{}` ended with code {code}", line(command)),
        None => bail!("`{}` was ended by a signal", line(command)),
    }
}

/// Runs a command with its output visible and gives its exit code, none when a signal ended it.
pub(crate) fn code(command: &mut Command) -> anyhow::Result<Option<i32>> {
    println!("$ {}", line(command));
    match command.status() {
        Ok(status) => Ok(status.code()),
        Err(error) => {
            bail!("failed to start `{}`: {error}", command.get_program().to_string_lossy())
        }
    }
}

/// A command as a person would type it, the program by its name alone.
fn line(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let mut words =
        vec![program.file_name().unwrap_or(command.get_program()).to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|arg| arg.to_string_lossy().into_owned()));
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use super::*;

    fn steps(strict: bool) -> Steps {
        Steps { strict, ..Steps::new("test") }
    }

    fn closing(steps: &Steps) -> (String, bool) {
        let (summary, success) = steps.summary(Duration::from_secs(7));
        (summary.lines().last().unwrap().to_owned(), success)
    }

    #[test]
    fn counts_what_passed_and_what_failed() {
        let mut steps = steps(false);
        assert!(steps.step("one", || Ok(Outcome::Passed)));
        assert!(!steps.step("two", || bail!("broken")));
        assert_eq!(
            closing(&steps),
            ("cargo xtask test: 1 passed, 1 failed in 7 s".to_owned(), false)
        );
        assert!(steps.summary(Duration::ZERO).0.contains("failed: two"));
    }

    #[test]
    fn what_could_not_run_fails_only_in_ci() {
        for (strict, line, success) in [
            (false, "cargo xtask test: 1 passed, 0 failed, 1 not run in 7 s", true),
            (true, "cargo xtask test: 1 passed, 1 failed in 7 s", false),
        ] {
            let mut steps = steps(strict);
            steps.step("one", || Ok(Outcome::Passed));
            steps.step("two", || Ok(Outcome::NotRun("python3".to_owned())));
            assert_eq!(closing(&steps), (line.to_owned(), success));
            assert!(steps.summary(Duration::ZERO).0.contains("not run: two: needs python3"));
        }
    }

    #[test]
    fn a_task_in_which_nothing_ran_is_no_success() {
        let mut steps = steps(false);
        steps.step("one", || Ok(Outcome::NotRun("python3".to_owned())));
        assert!(!closing(&steps).1);
    }

    #[test]
    fn a_command_passes_by_its_exit_code() {
        assert!(run(&mut workspace::cargo(&["--version"])).is_ok());
        let mut unknown = workspace::cargo(&["no-such-task"]);
        let error = run(unknown.stderr(Stdio::null())).unwrap_err().to_string();
        assert!(error.contains("no-such-task` ended with code 101"), "{error}");
        assert!(run(&mut workspace::command("no-such-program-here")).is_err());
    }
}
