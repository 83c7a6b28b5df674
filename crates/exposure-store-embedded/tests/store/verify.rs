//! A data directory at rest is checked, and what can not be opened says why.

use std::path::Path;
use std::sync::Arc;

use exposure_store::{Error, Store as _};
use exposure_store_embedded::disk::RealDisk;
use exposure_store_embedded::{Compared, EmbeddedStore, FORMAT_VERSION, verify};
use futures::executor::block_on;

use super::workload::{NOW, commit, events, options};

/// Leaves a small store behind.
fn fill(dir: &Path) -> exposure_store::StateHash {
    let store = EmbeddedStore::open(options(dir), NOW).unwrap();
    commit(&store, &events()[..30]).unwrap();
    store.settle().unwrap();
    commit(&store, &events()[20..]).unwrap();
    let hash = block_on(store.state_hash()).unwrap();
    block_on(store.close()).unwrap();
    hash
}

fn refused(dir: &Path) -> String {
    EmbeddedStore::open(options(dir), NOW).map(|_| ()).unwrap_err().to_string()
}

#[test]
fn a_directory_at_rest_is_checked() {
    let dir = tempfile::tempdir().unwrap();
    let hash = fill(dir.path());
    let report = verify(dir.path()).unwrap();
    assert_eq!((report.state_hash, report.compared), (hash, Compared::Rebuilt));
    assert_eq!(report.events, report.stored_events);
    assert!(report.files >= 2 && report.log_bytes > 0 && report.profiles == 9, "{report:?}");
    // It changed nothing.
    assert_eq!(verify(dir.path()).unwrap(), report);
}

#[test]
fn damage_is_found_with_its_file() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path());
    let files: Vec<_> = std::fs::read_dir(dir.path().join("events")).unwrap().collect();
    let file = files.into_iter().map(|entry| entry.unwrap().path());
    let file =
        file.filter(|path| path.extension().is_some_and(|ext| ext == "parquet")).max().unwrap();
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 4;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let error = verify(dir.path()).unwrap_err();
    let name = file.file_name().unwrap().to_str().unwrap();
    assert!(matches!(error, Error::Corrupt { .. }), "{error}");
    assert!(error.to_string().contains(name), "{error}");
}

#[test]
fn what_can_not_be_opened_says_why() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path());
    {
        let _open = EmbeddedStore::open(options(dir.path()), NOW).unwrap();
        assert!(refused(dir.path()).contains("in use by another exposure process"));
        assert!(verify(dir.path()).unwrap_err().to_string().contains("in use"));
    }
    let format = dir.path().join("FORMAT");
    let mut bytes = std::fs::read(&format).unwrap();
    bytes[8..12].copy_from_slice(&(FORMAT_VERSION + 1).to_le_bytes());
    let crc_at = bytes.len() - 4;
    let crc = crc32fast::hash(&bytes[..crc_at]);
    bytes[crc_at..].copy_from_slice(&crc.to_le_bytes());
    std::fs::write(&format, bytes).unwrap();
    let newer = refused(dir.path());
    let said = format!("FORMAT: at byte 8: the format's version is {}", FORMAT_VERSION + 1);
    assert!(newer.starts_with(&said), "{newer}");

    // Where nobody, not even root, can make a directory.
    let below_file = format.join("data");
    assert!(refused(&below_file).contains("can not be made"), "{}", refused(&below_file));
    let on = EmbeddedStore::open_on(Arc::new(RealDisk), options(&below_file), NOW);
    assert!(on.unwrap_err().to_string().contains("FORMAT/data"));
    let nothing = tempfile::tempdir().unwrap();
    let error = verify(nothing.path()).unwrap_err().to_string();
    assert!(error.contains("no data directory"), "{error}");
}
