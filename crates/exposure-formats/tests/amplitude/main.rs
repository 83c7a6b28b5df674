//! Amplitude's forms: what is read, what is refused, and what its SDKs are answered.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod answers;
mod captures;
mod forms;
mod hostile;
mod reading;
mod vectors;
