//! A scan of events shows each once, however the log turns into files meanwhile.

use std::path::Path;
use std::sync::Arc;

use exposure_store::{EventFilter, ScanCursor, Store as _};
use exposure_store_embedded::disk::MemDisk;
use exposure_store_embedded::{EmbeddedStore, Options};
use futures::executor::block_on;

use super::workload::{NOW, PROJECT, commit, events, options};

#[test]
fn a_scan_outlives_the_segments_of_the_log() {
    // A few commits fill a segment.
    let options = Options { segment_bytes: 2 << 10, ..options(Path::new("data")) };
    let store = EmbeddedStore::open_on(Arc::new(MemDisk::new()), options, NOW).unwrap();
    let all = events();
    commit(&store, &all[..8]).unwrap();
    let (mut from, mut found) = (ScanCursor::default(), Vec::new());
    let mut later = all[8..].chunks(8);
    loop {
        let scanned = store.scan_events(PROJECT, EventFilter::default(), &from, 2);
        let page = block_on(scanned).unwrap();
        found.extend(page.events.into_iter().map(|event| event.sequence));
        let Some(next) = page.next else { break };
        from = next;
        // Nothing is in files when the scan begins; then everything is, and the log is let go.
        if let Some(more) = later.next() {
            commit(&store, more).unwrap();
            store.settle().unwrap();
        }
    }
    let start = store.stats().values.into_iter().find(|(name, _)| *name == "log_start_bytes");
    assert!(start.unwrap().1 > 0, "the log let nothing go");
    let n_found = found.len();
    found.sort_unstable();
    found.dedup();
    assert_eq!(found.len(), n_found, "an event came twice");
    assert!((0..8).all(|number| found.contains(&number)), "{found:?}");
}
