//! The whole transport over a socket of this machine, a store in memory behind it.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod amplitude;
mod bounds;
mod hostile;
mod questions;
mod track;
mod vectors;
mod world;
