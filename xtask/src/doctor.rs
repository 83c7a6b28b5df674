//! `cargo xtask doctor`: what this machine has of what the tasks need.

use std::net::{Ipv4Addr, TcpListener};
use std::process::ExitCode;

use crate::workspace;

/// What a tool is for, and whether anything stops without it.
struct Tool {
    command: &'static [&'static str],
    needed: bool,
    purpose: &'static str,
}

/// Room a full build and the tests take, in GiB.
const DISK_GIB: u64 = 20;

const TOOLS: &[Tool] = &[
    Tool { command: &["cargo", "--version"], needed: true, purpose: "everything" },
    Tool { command: &["cc", "--version"], needed: true, purpose: "linking" },
    Tool { command: &["cargo", "fmt", "--version"], needed: true, purpose: "verify, fix" },
    Tool { command: &["cargo", "clippy", "--version"], needed: true, purpose: "verify, fix" },
    Tool { command: &["git", "--version"], needed: false, purpose: "history" },
    Tool {
        command: &["python3", "--version"],
        needed: false,
        purpose: "test: the Python and DuckDB suites",
    },
    Tool {
        command: &["python3", "-c", "import ensurepip, venv"],
        needed: false,
        purpose: "test: the same",
    },
    Tool {
        command: &["node", "--version"],
        needed: false,
        purpose: "test: senders of node and the browser",
    },
    Tool { command: &["npm", "--version"], needed: false, purpose: "test: the same" },
    Tool { command: &["go", "version"], needed: false, purpose: "test: senders of Go" },
    Tool { command: &["javac", "--version"], needed: false, purpose: "test: senders of Java" },
    Tool { command: &["mvn", "--version"], needed: false, purpose: "test: the same" },
    Tool {
        command: &["valgrind", "--version"],
        needed: false,
        purpose: "test: counts of instructions",
    },
    Tool { command: &["perf", "--version"], needed: false, purpose: "bench profile" },
    Tool { command: &["strace", "--version"], needed: false, purpose: "bench slow-fsync" },
    Tool { command: &["initdb", "--version"], needed: false, purpose: "bench compare" },
    Tool { command: &["redis-server", "--version"], needed: false, purpose: "bench compare" },
    Tool { command: &["cargo", "deny", "--version"], needed: false, purpose: "deny" },
];

/// Prints one line for each thing looked at; fails where something needed is missing.
pub(crate) fn run() -> ExitCode {
    let mut healthy = true;
    for tool in TOOLS {
        let (program, args) = tool.command.split_first().unwrap_or((&"", &[]));
        let answer = workspace::output(workspace::command(program).args(args));
        let state = match &answer {
            Ok(text) => text.lines().next().unwrap_or("present").to_owned(),
            Err(_) if tool.needed => "MISSING".to_owned(),
            Err(_) => "absent".to_owned(),
        };
        healthy &= answer.is_ok() || !tool.needed;
        println!("{:<40} {state} (for {})", tool.command.join(" "), tool.purpose);
    }
    let df = workspace::output(workspace::command("df").args(["-Pk", "."]));
    match df.ok().as_deref().and_then(free_gib) {
        Some(free) if free < DISK_GIB => {
            println!("{:<40} LOW: {free} GiB free of {DISK_GIB} wanted", "disk");
        }
        Some(free) => println!("{:<40} {free} GiB free", "disk"),
        None => println!("{:<40} unknown", "disk"),
    }
    let loopback = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    healthy &= loopback.is_ok();
    println!(
        "{:<40} {}",
        "loopback ports",
        if loopback.is_ok() { "can be bound" } else { "CANNOT be bound" }
    );
    if healthy { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Free GiB in the output of `df -Pk PATH`.
fn free_gib(df: &str) -> Option<u64> {
    let kib: u64 = df.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()?;
    Some(kib / (1 << 20))
}

#[cfg(test)]
mod tests {
    use super::free_gib;

    #[test]
    fn reads_df() {
        let df = "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/vda 264M 12M 83886080 13% /\n";
        assert_eq!(free_gib(df), Some(80));
        assert_eq!(free_gib("df: no such file"), None);
    }
}
