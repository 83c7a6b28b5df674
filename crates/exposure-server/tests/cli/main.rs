//! Tests of the binary as a process: what it prints, what it refuses, what it keeps.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says then what it did"
)]

mod process;

mod commands;
mod configuration;
mod damage;
mod export_files;
mod full_disk;
mod import;
mod loading;
mod overload;
mod starting;
mod stopping;
mod tls;

mod crash;
