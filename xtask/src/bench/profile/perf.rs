//! Samples with stacks, by Linux' `perf`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::bail;

use super::super::process::Process;
use super::super::scratch::Scratch;
use crate::test::tools;
use crate::workspace;

/// Samples of one stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stack {
    /// The thread's name, then functions from the outermost to the innermost.
    pub(super) frames: Vec<String>,
    pub(super) n: u64,
}

/// A profile that is being taken.
#[derive(Debug)]
pub(super) struct Recording {
    process: Process,
    file: PathBuf,
}

/// An error that says what to install, where it can not be done here.
pub(super) fn ensure() -> anyhow::Result<()> {
    let is_there = || tools::is_there(&["perf", "--version"]);
    if !tools::ensure(is_there, &["linux-perf"]) {
        bail!(
            "needs perf; on Debian, as root: apt-get install linux-perf, and kernel.perf_event_paranoid of 1 or less"
        );
    }
    Ok(())
}

impl Recording {
    /// Samples a process from now on.
    pub(super) fn start(id: u32, scratch: &Scratch) -> anyhow::Result<Self> {
        let file = scratch.join("perf.data");
        let mut perf = workspace::command("perf");
        // By the clock: a virtual machine seldom has counters. Stacks by unwind tables, so that the binary that is
        // profiled is the one that is shipped.
        perf.args(["record", "--event=cpu-clock", "--freq=499", "--call-graph=dwarf,16384"]);
        perf.args(["--pid", &id.to_string(), "--output"]).arg(&file);
        let process = Process::start("perf", &mut perf, scratch.join("perf.log"), "INT")?;
        Ok(Self { process, file })
    }

    /// Ends it and reads what it saw.
    pub(super) fn finish(self) -> anyhow::Result<Vec<Stack>> {
        self.process.stop();
        let mut script = workspace::command("perf");
        script.args(["script", "--no-inline", "--fields=comm,ip,sym", "--input"]).arg(&self.file);
        let stacks = fold(&workspace::output(&mut script)?);
        if stacks.is_empty() {
            bail!("perf saw nothing");
        }
        Ok(stacks)
    }
}

/// Counts equal stacks in the text of `perf script`: a line with the thread's name, then a line for each frame from the
/// innermost on, then an empty line.
fn fold(text: &str) -> Vec<Stack> {
    let mut counts: BTreeMap<Vec<String>, u64> = BTreeMap::new();
    for sample in text.split("\n\n") {
        let mut lines = sample.lines().filter(|line| !line.trim().is_empty());
        let Some(thread) = lines.next() else { continue };
        let mut frames: Vec<String> = lines
            .filter_map(|line| line.trim().split_once(' '))
            .map(|(_, symbol)| short_name(symbol.trim()))
            .collect();
        if frames.is_empty() {
            continue;
        }
        frames.push(thread.trim().to_owned());
        frames.reverse();
        *counts.entry(frames).or_default() += 1;
    }
    counts.into_iter().map(|(frames, n)| Stack { frames, n }).collect()
}

/// A function without the hash of its crate and the offset in it.
fn short_name(symbol: &str) -> String {
    let symbol = symbol.split("+0x").next().unwrap_or(symbol);
    let without_hash = match symbol.rsplit_once("::h") {
        Some((name, hash))
            if hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) =>
        {
            name
        }
        _ => symbol,
    };
    without_hash.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_stacks_are_one() {
        let sample = "tokio-rt-worker \n\t    55d0 memcpy\n\t    55d1 a::b::h0123456789abcdef\n\t 55d2 main\n";
        let text = format!("{sample}\n{sample}\nother \n\t 1 [unknown]\n\n");
        let stacks = fold(&text);
        assert_eq!(stacks.len(), 2);
        let [_, worker] = stacks.as_slice() else { panic!() };
        assert_eq!(
            (worker.n, worker.frames.join(";")),
            (2, "tokio-rt-worker;main;a::b;memcpy".to_owned())
        );
    }
}
