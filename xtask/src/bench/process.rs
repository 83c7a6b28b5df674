//! Processes that a bench starts, and ends: each by its own id.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::workspace;

/// Ticks a second of the times in `/proc/PID/stat`; the same in every Linux.
const TICKS_PER_S: f64 = 100.0;
/// How long a server may take to end.
const PATIENCE: Duration = Duration::from_mins(2);

/// A running process; dropped, it is ended.
#[derive(Debug)]
pub(super) struct Process {
    name: &'static str,
    child: Child,
    log: PathBuf,
    /// The signal that asks it to end.
    end: &'static str,
}

impl Process {
    /// Starts a command, with what it says in the file `log`; `end` is the signal that asks it to end, as in `TERM`.
    pub(super) fn start(
        name: &'static str,
        command: &mut Command,
        log: PathBuf,
        end: &'static str,
    ) -> anyhow::Result<Self> {
        let file =
            File::create(&log).with_context(|| format!("failed to write {}", log.display()))?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        let child = command.spawn().with_context(|| format!("failed to start {name}"))?;
        Ok(Self { name, child, log, end })
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it is ready; an error with what it said when it ended, or is not ready in time.
    pub(super) fn wait_until(&mut self, ready: impl Fn() -> bool) -> anyhow::Result<Duration> {
        let start = Instant::now();
        while !ready() {
            if self.child.try_wait()?.is_some() || start.elapsed() > PATIENCE {
                let said = fs::read_to_string(&self.log).unwrap_or_default();
                bail!("{} did not become ready: {}", self.name, said.trim());
            }
            sleep(Duration::from_millis(5));
        }
        Ok(start.elapsed())
    }

    /// Asks it to end, and waits.
    pub(super) fn stop(mut self) {
        self.ask_to_end();
    }

    /// Ends it without a warning.
    pub(super) fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Seconds of processor time so far, its threads and its children's, also of those that ended.
    pub(super) fn cpu_seconds(&self) -> f64 {
        cpu_seconds(self.id())
    }

    /// Bytes of memory that are resident.
    pub(super) fn resident_bytes(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap_or_default();
        status_kib(&status, "VmRSS:") * 1024
    }

    fn ask_to_end(&mut self) {
        let start = Instant::now();
        let id = self.id().to_string();
        let asked = workspace::command("kill").args(["-s", self.end, &id]).status();
        while asked.is_ok() && start.elapsed() < PATIENCE {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            sleep(Duration::from_millis(10));
        }
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.ask_to_end();
        }
    }
}

/// A port of loopback that nobody listens on.
pub(super) fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Waits until processes do little: what one has left to do would be at the cost of the next that is measured.
/// Returns how long it took; after `at_most` it goes on all the same.
pub(super) fn settle(processes: &[&Process], at_most: Duration) -> Duration {
    const STEP: Duration = Duration::from_millis(500);
    let start = Instant::now();
    while start.elapsed() < at_most {
        let before: f64 = processes.iter().map(|process| process.cpu_seconds()).sum();
        sleep(STEP);
        let after: f64 = processes.iter().map(|process| process.cpu_seconds()).sum();
        if after - before <= 0.1 * STEP.as_secs_f64() {
            break;
        }
    }
    start.elapsed()
}

fn cpu_seconds(id: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let children = Path::new("/proc").join(format!("{id}/task/{id}/children"));
    let children = fs::read_to_string(children).unwrap_or_default();
    let of_children = children.split_whitespace().filter_map(|child| child.parse().ok());
    stat_ticks(&stat) as f64 / TICKS_PER_S + of_children.map(cpu_seconds).sum::<f64>()
}

/// User and system time in the text of `/proc/PID/stat`, of the process and of children that it waited for.
fn stat_ticks(stat: &str) -> u64 {
    // The name may hold spaces; it ends with the last parenthesis.
    let Some((_, fields)) = stat.rsplit_once(')') else { return 0 };
    fields.split_whitespace().skip(11).take(4).filter_map(|field| field.parse::<u64>().ok()).sum()
}

fn status_kib(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_kernel_says() {
        let stat = "42 (a (b) c) S 1 42 42 0 -1 4194560 1 2 3 4 150 50 7 3 20 0 1 0 100";
        assert_eq!(stat_ticks(stat), 210);
        assert_eq!(stat_ticks("nothing"), 0);
        assert_eq!(status_kib("VmPeak:\t 10 kB\nVmRSS:\t  1234 kB\n", "VmRSS:"), 1234);
        assert_eq!(status_kib("", "VmRSS:"), 0);
    }

    #[test]
    fn a_process_ends_with_its_owner() {
        let log = std::env::temp_dir().join(format!("xtask-process-{}", std::process::id()));
        let mut command = workspace::command("sleep");
        let mut process = Process::start("sleep", command.arg("60"), log.clone(), "TERM").unwrap();
        assert!(process.wait_until(|| true).is_ok());
        let proc = Path::new("/proc").join(process.id().to_string());
        drop(process);
        assert!(!proc.exists());
        let mut failing =
            Process::start("false", &mut workspace::command("false"), log.clone(), "TERM").unwrap();
        assert!(
            failing
                .wait_until(|| false)
                .unwrap_err()
                .to_string()
                .contains("false did not become ready")
        );
        fs::remove_file(log).unwrap();
    }
}
