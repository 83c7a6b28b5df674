//! Writes a small data directory of this version's format: `format_fixture DIR`.
//!
//! One of each format version stays under `tests/fixtures`, so that it is known to open for ever.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    dead_code,
    reason = "a tool that ends by panicking"
)]

use exposure_store::Store as _;
use exposure_store_embedded::EmbeddedStore;

#[path = "../tests/store/workload.rs"]
mod workload;

fn main() {
    let dir = std::path::PathBuf::from(std::env::args_os().nth(1).expect("the directory to make"));
    let events = workload::events();
    let store = EmbeddedStore::open(workload::options(&dir), workload::NOW).unwrap();
    workload::commit(&store, &events[..30]).unwrap();
    store.settle().unwrap();
    workload::commit(&store, &events[30..]).unwrap();
    futures::executor::block_on(store.close()).unwrap();
    drop(store);
    std::fs::remove_file(dir.join("LOCK")).unwrap();
    // Segments that were made ready hold nothing yet.
    for entry in std::fs::read_dir(dir.join("log")).unwrap() {
        let path = entry.unwrap().path();
        if std::fs::read(&path).unwrap().iter().all(|byte| *byte == 0) {
            std::fs::remove_file(path).unwrap();
        }
    }
}
