//! The client as programs and providers see it.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod bad_input;
mod beyond_memory;
mod durable;
mod ending;
mod history;
mod providers;
mod rules;
mod support;
