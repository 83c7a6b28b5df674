//! `cargo xtask test`: the one command that says whether this tree works.

mod environment;
mod pytest;
mod senders;
mod suites;
mod tools;

pub(crate) use suites::{run, suites};
