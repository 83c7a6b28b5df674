//! What a figure was measured on.

use std::fs;

use crate::workspace;

/// Lines of Markdown that say which machine and which versions.
pub(super) fn lines() -> Vec<String> {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let n_cores = std::thread::available_parallelism().map_or(1, usize::from);
    let gib = field(&memory, "MemTotal").split(' ').next().and_then(|kib| kib.parse::<f64>().ok());
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let hypervisor = if cpuinfo.contains(" hypervisor") { ", a virtual machine" } else { "" };
    vec![
        format!(
            "- {n_cores} cores of {}{hypervisor}, {:.0} GiB of memory, Linux {}",
            field(&cpuinfo, "model name"),
            gib.unwrap_or(0.0) / f64::from(1 << 20),
            kernel.trim()
        ),
        format!("- {}, release profile; {}", version("rustc", "--version"), commit()),
        format!("- measured on {}", version("date", "+%Y-%m-%d")),
    ]
}

/// The first line that a program says with an argument, `absent` where there is no such program.
pub(super) fn version(program: &str, argument: &str) -> String {
    let text = workspace::output(workspace::command(program).arg(argument));
    text.ok()
        .and_then(|text| text.lines().next().map(str::to_owned))
        .unwrap_or_else(|| format!("{program}: absent"))
}

fn commit() -> String {
    let commit =
        workspace::output(workspace::command("git").args(["rev-parse", "--short", "HEAD"]));
    let changed = workspace::output(workspace::command("git").args([
        "status",
        "--porcelain",
        "--",
        "crates",
        "Cargo.lock",
    ]));
    match (commit, changed) {
        (Ok(commit), Ok(changed)) if changed.is_empty() => format!("commit {}", commit.trim()),
        (Ok(commit), _) => format!("commit {} with changes", commit.trim()),
        _ => "no repository".to_owned(),
    }
}

/// The value behind `name` and a colon.
fn field<'a>(text: &'a str, name: &str) -> &'a str {
    let line = text.lines().find(|line| line.starts_with(name));
    line.and_then(|line| line.split_once(':')).map_or("unknown", |(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_fields() {
        assert_eq!(field("processor\t: 0\nmodel name\t: Some CPU\n", "model name"), "Some CPU");
        assert_eq!(field("", "model name"), "unknown");
        assert_eq!(version("no-such-program-here", "--version"), "no-such-program-here: absent");
        assert_eq!(lines().len(), 3);
    }
}
