//! The reference store passes the suite.

use std::sync::Arc;

use exposure_core::Limits;
use exposure_store::Store;
use exposure_store::memory::{MemoryOptions, MemoryStore};
use exposure_store::suite::Harness;

/// Memory outlives the handle: opening again finds the same state.
#[derive(Default)]
struct InMemory(Option<MemoryStore>);

impl Harness for InMemory {
    fn open(&mut self, limits: &Limits) -> Arc<dyn Store> {
        let options = MemoryOptions { limits: limits.clone(), ..MemoryOptions::default() };
        let held = self.0.get_or_insert_with(|| MemoryStore::with_options(options));
        Arc::new(held.reopen())
    }
}

exposure_store::conformance!(Box::new(InMemory::default()));
