//! Log that is turned into files by the store's own thread and by whoever settles it.

use std::collections::BTreeSet;
use std::time::Duration;

use exposure_core::RawId;
use exposure_store::{Batch, KeyId, Origin, Store};
use exposure_store_embedded::EmbeddedStore;
use futures::executor::block_on;

use super::retention::{PROJECT, START, at, event};
use super::workload::options;

/// Whoever turns a part of the log into files, each event is in them once.
#[test]
fn a_settle_beside_the_archive_doubles_nothing() {
    const N_EVENTS: i64 = 400;
    let dir = tempfile::tempdir().unwrap();
    let mut options = options(dir.path());
    options.convert_every = Duration::ZERO;
    let store = EmbeddedStore::open(options, START).unwrap();
    for time in 0..N_EVENTS {
        let origin = Origin { project: PROJECT, key: KeyId(1), received: at(time), now: at(time) };
        let events = [event((Some("u1"), None), Some(("flag", Some("on"))), time)];
        block_on(store.commit(&Batch { origin, events: &events, rejects: &[] })).unwrap();
        if time % 4 == 3 {
            store.settle().unwrap();
        }
    }
    let history = block_on(store.history(PROJECT, RawId::User("u1"))).unwrap();
    let positions: BTreeSet<_> = history.iter().map(|event| event.position).collect();
    assert_eq!((history.len(), positions.len()), (N_EVENTS as usize, N_EVENTS as usize));
}
