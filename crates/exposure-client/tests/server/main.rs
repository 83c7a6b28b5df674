//! The client against a real server, and against ones that misbehave.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod account;
mod faults;
mod faulty;
mod flows;
mod ideal;
mod killed;
mod lossy;
mod oracle;
