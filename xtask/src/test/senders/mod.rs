//! The suites of senders: SDKs of other vendors against the built server, a suite for each language.

mod prepare;
mod suite;

pub(super) use suite::{ALL, run};
