//! OTLP: evaluations of feature flags among logs and spans.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
mod captures;
mod generated;
mod hostile;
mod mapping;
mod world;
