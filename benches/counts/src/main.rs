//! Parts of the hot path, one of them at a time, for callgrind to count the instructions of.
//!
//! `exposure-counts` alone lists the parts, one to a line: its name and how many events it takes in.
//! `exposure-counts NAME` runs one. `cargo xtask bench counts` runs all of them under callgrind, and compares the counts
//! with those of `benches/counts.toml`.
//!
//! Whatever could differ from one run to the next is fixed: ids, times, the store's secret, a disk in memory.
//! What other threads do is not counted, and the store has none.
#![expect(clippy::print_stdout, reason = "the list of parts is for another program to read")]

mod counted;
mod events;
mod format_file;

mod format;
mod log;
mod rules;
mod store;
mod window;
mod wire;

use std::process::ExitCode;

use counted::{Part, Result};

const PARTS: &[&[Part]] =
    &[wire::PARTS, rules::PARTS, format::PARTS, window::PARTS, log::PARTS, store::PARTS];

fn main() -> Result<ExitCode> {
    let Some(name) = std::env::args().nth(1) else {
        for part in PARTS.iter().copied().flatten() {
            println!("{} {}", part.name, part.n_events);
        }
        return Ok(ExitCode::SUCCESS);
    };
    let part = PARTS.iter().copied().flatten().find(|part| part.name == name);
    (part.ok_or("there is no such part; run it without a name for a list")?.run)()?;
    Ok(ExitCode::SUCCESS)
}
