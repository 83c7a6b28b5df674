//! The providers over HTTP, against a server that answers as a test wants.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod amplitude;
mod faults;
mod scripted;
mod segment;
mod support;
