//! A data directory of every format version that was ever written opens for ever.

use std::path::Path;

use exposure_store_embedded::{Compared, EmbeddedStore, verify};

use super::workload::{N_EVENTS, NOW, check_consistent, commit, events, options};

fn copy(from: &Path, to: &Path) {
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

#[test]
fn version_1_opens() {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/v1");
    let dir = tempfile::tempdir().unwrap();
    copy(&fixture, dir.path());
    assert_eq!(verify(dir.path()).unwrap().compared, Compared::Rebuilt);
    let store = EmbeddedStore::open(options(dir.path()), NOW).unwrap();
    assert_eq!(check_consistent(&store).unwrap().len(), N_EVENTS);
    // It knows its insert ids, and can be written to.
    let events = events();
    let results = commit(&store, events.iter().filter(|event| event.has_insert_id())).unwrap();
    assert!(results.iter().all(|result| !matches!(result, exposure_store::Committed::Merged(_))));
    store.settle().unwrap();
    assert_eq!(check_consistent(&store).unwrap().len(), N_EVENTS);
}
