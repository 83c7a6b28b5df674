//! Every byte of a small log is flipped in turn: all of it is there, or opening says which file and where.

use std::path::PathBuf;

use exposure_store::{Error, Store as _};
use exposure_store_embedded::disk::{Disk, MemDisk, OpenMode};
use futures::executor::block_on;

use super::sabotage::{in_parallel, say, stride};
use super::workload::{check_consistent, commit, events, open};

/// Events of the log, in three commits.
const N: usize = 9;

/// A log at rest, after a clean stop or after a death.
fn at_rest(is_closed: bool) -> MemDisk {
    let disk = MemDisk::new();
    let store = open(&disk).unwrap();
    for part in events()[..N].chunks(N / 3) {
        commit(&store, part).unwrap();
    }
    if is_closed {
        block_on(store.close()).unwrap();
        return disk;
    }
    // The note that all of it was durable is written when nothing more comes.
    while open(&disk.after_power_loss(0)).is_ok_and(|found| found.feed_end() < store.feed_end()) {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    drop(store);
    disk
}

struct Case {
    path: PathBuf,
    offset: usize,
    mask: u8,
}

fn cases(disk: &MemDisk) -> Vec<Case> {
    let log = PathBuf::from("data/log");
    let mut cases = Vec::new();
    for entry in disk.list(&log).unwrap() {
        let path = log.join(&entry.name);
        let file = disk.open(&path, OpenMode::Read).unwrap();
        let mut bytes = vec![0; entry.len as usize];
        file.read_at(&mut bytes, 0).unwrap();
        let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        for offset in 0..bytes.len() {
            // Behind everything that was written there are zeros, alike.
            if offset >= end && !(offset - end).is_multiple_of(8 * stride()) {
                continue;
            }
            cases.extend([1 << (offset % 8), 0xFF].map(|mask| Case {
                path: path.clone(),
                offset,
                mask,
            }));
        }
    }
    cases
}

#[test]
fn no_flipped_byte_of_a_log_passes() {
    for is_closed in [true, false] {
        let disk = at_rest(is_closed);
        let cases = cases(&disk);
        let told = in_parallel(&cases, |Case { path, offset, mask }| {
            let copy = disk.after_process_death();
            assert!(copy.flip(path, *offset, *mask));
            let name = path.file_name().unwrap().to_str().unwrap();
            match open(&copy).and_then(|store| check_consistent(&store)) {
                Ok(found) => {
                    assert_eq!(found.len(), N, "{name} {offset}: something is gone, in silence");
                    false
                }
                Err(Error::Corrupt { file, what }) => {
                    let told = format!("{file}: {what}");
                    assert!(told.contains(name), "{name} {offset}: {told}");
                    let says = [" byte ", " offset ", "version", "belongs to", "position"];
                    assert!(says.iter().any(|say| what.contains(say)), "{offset}: {told}");
                    true
                }
                // A segment's header may say that it is of another version or store.
                Err(Error::Io { cause, .. }) if cause.contains(name) => true,
                Err(error) => panic!("{name} {offset}: not told as damage: {error}"),
            }
        });
        let n_told = told.iter().filter(|told| **told).count();
        say(&format!(
            "flipped bytes of a log {}: {} cases, {n_told} refused with file and place, the others without a loss",
            if is_closed { "after a clean stop" } else { "after a death" },
            cases.len(),
        ));
        assert!(n_told > 500, "{n_told}");
    }
}
