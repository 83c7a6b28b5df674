//! The conformance suite: what every store must do, tier by tier.
//!
//! A store's test file implements [`Harness`] and names it once:
//!
//! ```
//! use std::sync::Arc;
//!
//! use exposure_core::Limits;
//! use exposure_store::{Store, memory::MemoryStore, suite::Harness};
//!
//! #[derive(Default)]
//! struct InMemory(MemoryStore);
//!
//! impl Harness for InMemory {
//!     fn open(&mut self, _: &Limits) -> Arc<dyn Store> {
//!         Arc::new(self.0.reopen())
//!     }
//! }
//!
//! exposure_store::conformance!(Box::new(InMemory::default()));
//! ```
//!
//! That makes one test of each case. Cases run random [`history`]s, shuffled, repeated, batched
//! anew and interrupted, and compare every answer with the naive [`model`].

pub mod cases;
mod compare;
mod conformance;
mod harness;
pub mod history;
pub mod model;
mod wait;

pub use compare::{all_events, all_profiles, assert_answers, whole_feed};
pub use harness::{Harness, MakeHarness};
pub use wait::block_on;
