//! Runs the parts under callgrind.

use anyhow::{Context as _, bail};

use crate::test::tools;
use crate::{step, workspace};

/// Instructions of one part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) name: String,
    /// Events that the part takes in.
    pub(super) n_events: u64,
    pub(super) instructions: u64,
}

/// What is missing, once it was fetched where that can be done.
pub(super) fn missing() -> Option<String> {
    if !cfg!(target_os = "linux") {
        return Some("Linux".to_owned());
    }
    let is_there = || tools::is_there(&["valgrind", "--version"]);
    (!tools::ensure(is_there, &["valgrind"])).then(|| "valgrind (Debian: valgrind)".to_owned())
}

/// Builds the parts and counts each of them.
pub(super) fn count() -> anyhow::Result<Vec<Count>> {
    step::run(&mut workspace::cargo(&["build", "--release", "--package", "exposure-counts"]))?;
    let binary = workspace::target_directory()?.join("release/exposure-counts");
    let list = workspace::output(&mut workspace::command(&binary))?;
    let mut counts = Vec::new();
    for line in list.lines() {
        let (name, n_events) =
            line.split_once(' ').context("the list of parts has a line without a number")?;
        let mut valgrind = workspace::command("valgrind");
        valgrind.args([
            "--tool=callgrind",
            "--callgrind-out-file=/dev/null",
            "--collect-atstart=no",
        ]);
        valgrind.args(["--toggle-collect=*only_this_is_counted*"]).arg(&binary).arg(name);
        // What the loader and the library look at.
        valgrind.env_clear().env("LC_ALL", "C");
        if let Some(path) = workspace::env("PATH") {
            valgrind.env("PATH", path);
        }
        let output = valgrind.output().context("failed to start valgrind")?;
        let said = String::from_utf8_lossy(&output.stderr);
        match collected(&said) {
            Some(instructions) if output.status.success() && instructions > 0 => {
                counts.push(Count {
                    name: name.to_owned(),
                    n_events: n_events.parse()?,
                    instructions,
                });
            }
            _ => bail!("{name} was not counted: {}", said.trim()),
        }
    }
    Ok(counts)
}

/// The number in callgrind's line `==PID== Collected : 1234`.
fn collected(said: &str) -> Option<u64> {
    let line = said.lines().find(|line| line.contains("Collected"))?;
    line.rsplit_once(':')?.1.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::collected;

    #[test]
    fn reads_what_callgrind_says() {
        let said = "==1== Callgrind, a call-graph generating cache profiler\n==1== Events    : Ir\n==1== Collected : 1196955\n";
        assert_eq!(collected(said), Some(1_196_955));
        assert_eq!(collected("==1== Fatal"), None);
    }
}
