//! `cargo xtask test`: the one command that says whether this tree works.

mod clients;
mod environment;
mod pytest;
mod senders;
mod suites;
mod toolchains;
pub(crate) mod tools;

pub(crate) use suites::{run, suites};
