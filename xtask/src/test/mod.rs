//! `cargo xtask test`: the one command that says whether this tree works.

mod environment;
mod suites;

pub(crate) use suites::{run, suites};
