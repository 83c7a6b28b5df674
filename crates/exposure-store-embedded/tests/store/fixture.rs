//! A data directory of every format version that was ever written opens for ever.

use std::path::Path;

use exposure_store::Committed;
use exposure_store_embedded::{Compared, EmbeddedStore, FORMAT_VERSION, verify};

use super::workload::{N_EVENTS, NOW, check_consistent, commit, events, options, stored_events};

pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// The version that a directory says it has.
fn version(dir: &Path) -> u32 {
    let bytes = std::fs::read(dir.join("FORMAT")).unwrap();
    u32::from_le_bytes(bytes[8..12].try_into().unwrap())
}

#[test]
fn every_version_opens() {
    for version_of_fixture in 1..=FORMAT_VERSION {
        let fixture = format!("tests/fixtures/v{version_of_fixture}");
        let dir = tempfile::tempdir().unwrap();
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join(fixture), dir.path());
        assert_eq!(verify(dir.path()).unwrap().compared, Compared::Rebuilt);
        assert_eq!(version(dir.path()), version_of_fixture, "a check changes nothing");
        let store = EmbeddedStore::open(options(dir.path()), NOW).unwrap();
        assert_eq!(version(dir.path()), FORMAT_VERSION, "what is written now others must not read");
        assert_eq!(check_consistent(&store).unwrap().len(), N_EVENTS);
        // It knows its insert ids, and can be written to.
        let events = events();
        let known = commit(&store, events.iter().filter(|event| event.has_insert_id())).unwrap();
        assert!(known.iter().all(|result| !matches!(result, Committed::Merged(_))));
        assert_eq!(check_consistent(&store).unwrap().len(), N_EVENTS);
        // New records go on where old ones are, on one chain, in one log, and through a restart.
        let again: Vec<_> = events.iter().filter(|event| !event.has_insert_id()).collect();
        let n_events = N_EVENTS + again.len();
        commit(&store, again).unwrap();
        assert_eq!(stored_events(&store).unwrap().len(), n_events);
        drop(store);
        let store = EmbeddedStore::open(options(dir.path()), NOW).unwrap();
        assert_eq!(stored_events(&store).unwrap().len(), n_events);
        store.settle().unwrap();
        assert_eq!(stored_events(&store).unwrap().len(), n_events);
        drop(store);
        let report = verify(dir.path()).unwrap();
        assert_eq!((report.compared, report.events), (Compared::Rebuilt, n_events as u64));
    }
}
