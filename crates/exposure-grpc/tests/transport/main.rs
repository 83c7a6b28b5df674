//! The whole transport in one process: real HTTP/2 over pipes, a store in memory.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod accounts;
mod auth;
mod bad_input;
mod bounds;
mod drain;
mod methods;
mod otlp;
mod pieces;
mod store;
mod stream;
mod together;
mod vectors;
mod watch;
mod world;
