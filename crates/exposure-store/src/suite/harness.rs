use std::sync::Arc;

use exposure_core::Limits;

use crate::Store;

/// Opens a store for the suite, again and again on the same data.
pub trait Harness {
    /// Opens it: empty at first, later with everything that was acknowledged.
    fn open(&mut self, limits: &Limits) -> Arc<dyn Store>;

    /// Ends it as a crash does: nothing is closed, and what is not durable is lost.
    ///
    /// By default it is dropped, which is enough where dropping closes nothing.
    fn kill(&mut self, store: Arc<dyn Store>) {
        drop(store);
    }
}

/// Makes a harness on fresh, empty data.
pub type MakeHarness<'a> = &'a dyn Fn() -> Box<dyn Harness>;
