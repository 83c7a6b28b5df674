//! The binary `exposure`: a server for experiment exposures, and the commands that talk to one.
//!
//! It alone reads the environment, files, signals and the clock; everything below is given them.

mod cli;
mod environment;
mod failure;

mod config;
mod serve;

mod client;
mod command;
mod load;

mod console;
mod encoding;
mod system;
mod units;

use std::process::ExitCode;

/// It puts memory on huge pages where the system has them: a lookup in gigabytes of state waits
/// a third less for it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::main(&environment::Environment::of_process())
}
