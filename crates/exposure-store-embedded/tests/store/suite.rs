//! The embedded store passes the suite.

use std::sync::Arc;
use std::time::Duration;

use exposure_core::{Limits, Timestamp};
use exposure_store::Store;
use exposure_store::suite::Harness;
use exposure_store_embedded::{EmbeddedStore, Options};

/// A store on a directory of its own, small enough that everything behind it has work.
struct OnDisk {
    dir: tempfile::TempDir,
}

impl Harness for OnDisk {
    fn open(&mut self, limits: &Limits) -> Arc<dyn Store> {
        let mut options = Options::new(self.dir.path());
        options.limits = limits.clone();
        options.segment_bytes = 1 << 20;
        options.checkpoint_after = 256 << 10;
        options.convert_every = Duration::from_millis(50);
        Arc::new(EmbeddedStore::open(options, Timestamp::EARLIEST_EVENT).unwrap())
    }
}

exposure_store::conformance!(Box::new(OnDisk { dir: tempfile::tempdir().unwrap() }));
