//! A flipped bit is found wherever it is, and the error says where.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::events::{batch, row};
use crate::disk::{Disk, MemDisk, SplitMix};
use crate::events::{Events, EventsError, EventsOptions, Unpaced};

fn filled(n: u64) -> MemDisk {
    let disk = MemDisk::new();
    let events = open(&disk).unwrap();
    let mut random = SplitMix::new(5);
    let rows: Vec<_> = (0..n).map(|position| row(&mut random, position)).collect();
    events.convert(&batch(&rows), 0..n, &Unpaced).unwrap();
    disk
}

fn open(disk: &MemDisk) -> Result<Events, EventsError> {
    Events::open(Arc::new(disk.clone()), Path::new("/data"), EventsOptions::default())
}

#[test]
fn every_flipped_bit_is_found() {
    let disk = filled(80);
    let mut random = SplitMix::new(11);
    for dir in ["events", "links"] {
        let dir = Path::new("/data").join(dir);
        for entry in disk.list(&dir).unwrap() {
            let path: PathBuf = dir.join(&entry.name);
            // Every byte of pages would take long; every 13th meets every kind of byte.
            for offset in (0..entry.len as usize).step_by(13) {
                let mask = 1 << random.up_to(7);
                assert!(disk.flip(&path, offset, mask));
                let error = open(&disk).and_then(|events| events.verify()).unwrap_err();
                let text = error.to_string();
                let known =
                    matches!(error, EventsError::Damaged { .. } | EventsError::Version { .. });
                assert!(known && text.contains(entry.name.as_str()), "byte {offset}: {text}");
                assert!(disk.flip(&path, offset, mask));
            }
        }
    }
    open(&disk).unwrap().verify().unwrap();
}

#[test]
fn a_cut_or_missing_file_is_named() {
    use crate::disk::OpenMode;
    let disk = filled(50);
    let path = Path::new("/data/events/0000000000000000.parquet");
    let file = disk.open(path, OpenMode::Write).unwrap();
    let len = file.len().unwrap();
    file.truncate(len - 1).unwrap();
    assert!(matches!(open(&disk), Err(EventsError::Damaged { offset, .. }) if offset == len - 1));
    disk.remove(path).unwrap();
    assert!(matches!(open(&disk), Err(EventsError::Missing { .. })));
}
