//! Flipped bits and lost files: a clear error, never a wrong answer.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::harness::{Bitmaps, DIR, Harness, options};
use crate::disk::{Disk, MemDisk, OpenMode};
use crate::window::{Error, Options, Window};

/// A window with one run of 500 ids, all covered.
fn one_run() -> (MemDisk, Harness, PathBuf) {
    let disk = MemDisk::new();
    let mut harness =
        Harness::open(Arc::new(disk.clone()), Options { generation_ids: 1000, ..options() });
    for id in 0..500 {
        harness.add(1, id, 1, harness.now_us).unwrap();
    }
    harness.position += 1;
    harness.window.force_freeze(harness.position);
    harness.settle().unwrap();
    let entries = disk.list(Path::new(DIR)).unwrap();
    let run = entries.iter().find(|entry| entry.name.starts_with("run-")).unwrap();
    let path = Path::new(DIR).join(&run.name);
    (disk, harness, path)
}

fn open(disk: &MemDisk, now_us: i64) -> Result<Window, Error> {
    Window::open(
        Path::new(DIR),
        Arc::new(disk.clone()),
        Options { generation_ids: 1000, ..options() },
        now_us,
    )
}

#[test]
fn every_flipped_bit_of_a_run_is_found() {
    let (disk, harness, path) = one_run();
    let len = disk.open(&path, OpenMode::Read).unwrap().len().unwrap() as usize;
    // Every byte of the small sections, and every 37th of the blocks, whose checksum is one over all.
    for at in (0..len).filter(|at| at % 37 == 0 || !(64..4 * 4096).contains(at)) {
        let mask = 1 << (at % 8);
        assert!(disk.flip(&path, at, mask));
        let error = match open(&disk, harness.now_us) {
            Err(error) => error,
            Ok(window) => window.verify().unwrap_err(),
        };
        match error {
            Error::Damaged { path: named, offset, .. } => {
                assert_eq!(named, path);
                assert!(offset <= at as u64, "byte {at} reported at {offset}");
                assert!(
                    (at as u64) < offset + 4096 || 4 * 4096 <= at,
                    "byte {at} reported at {offset}"
                );
            }
            other => panic!("byte {at}: {other}"),
        }
        assert!(disk.flip(&path, at, mask));
    }
    open(&disk, harness.now_us).unwrap().verify().unwrap();
}

#[test]
fn a_lookup_in_a_damaged_block_is_an_error() {
    let (disk, mut harness, path) = one_run();
    assert!(disk.flip(&path, 4096 + 100, 4));
    harness.reopen(Arc::new(disk), Bitmaps::Kept).unwrap();
    let n_errors = (0..500).filter(|id| harness.add(1, *id, 1, harness.now_us).is_err()).count();
    // The block's ids, and the first of the next: an equal one might end the block before.
    assert_eq!(n_errors, 171);
}

#[test]
fn every_flipped_bit_of_the_manifest_is_found() {
    let (disk, harness, _) = one_run();
    let path = Path::new(DIR).join("MANIFEST");
    let len = disk.open(&path, OpenMode::Read).unwrap().len().unwrap() as usize;
    for at in 0..len {
        for bit in 0..8 {
            assert!(disk.flip(&path, at, 1 << bit));
            assert!(
                matches!(open(&disk, harness.now_us), Err(Error::Damaged { path: named, .. }) if named == path)
            );
            assert!(disk.flip(&path, at, 1 << bit));
        }
    }
    disk.remove(&path).unwrap();
    let lost = open(&disk, harness.now_us).unwrap_err();
    assert!(lost.to_string().contains("MANIFEST"), "{lost}");
}

#[test]
fn a_cut_or_missing_run_is_named() {
    let (disk, harness, path) = one_run();
    let file = disk.open(&path, OpenMode::Write).unwrap();
    for cut in [1, 500, 9000] {
        file.truncate(file.len().unwrap() - cut).unwrap();
        let error = open(&disk, harness.now_us).unwrap_err();
        assert!(matches!(&error, Error::Damaged { path: named, .. } if *named == path), "{error}");
    }
    disk.remove(&path).unwrap();
    assert!(open(&disk, harness.now_us).unwrap_err().to_string().contains("run-"));
}
