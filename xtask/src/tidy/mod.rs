//! `cargo xtask tidy`: the house rules that neither compiler nor clippy checks.
//!
//! A check is a function from what it reads to findings, so that each is tested with a good and a bad case.

mod run;

mod finding;
mod source;
mod tree;

mod adr;
mod expects;
mod layers;
mod length;
mod links;
mod manifest;
mod mod_files;
mod paths;
mod twins;

pub(crate) use run::{check, run};
