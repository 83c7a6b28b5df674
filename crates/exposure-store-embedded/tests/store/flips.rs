//! A flipped bit is told with its file and place, or it changes nothing.

use std::path::PathBuf;

use exposure_store::Error;
use exposure_store_embedded::disk::{Disk, MemDisk, OpenMode};

use super::workload::{N_EVENTS, Run, check_consistent, open};

/// Bytes of a file that are flipped, each in a copy of the directory, spread over all of it.
const FLIPS_PER_FILE: usize = 150;
/// Of a section's file, of which there are many alike.
const FLIPS_PER_SECTION: usize = 12;

/// A data directory at rest, and its files.
fn at_rest() -> (MemDisk, Vec<PathBuf>) {
    let disk = MemDisk::new();
    let run = Run::script(&disk, |_, _| {});
    assert_eq!((run.failures.len(), run.acknowledged.len()), (0, N_EVENTS), "{run:?}");
    let data = PathBuf::from("data");
    let dirs = ["", "checkpoint", "log", "window", "events", "links"];
    let files = dirs.iter().map(|dir| data.join(dir)).flat_map(|dir| {
        let entries = disk.list(&dir).unwrap();
        entries.into_iter().map(move |entry| dir.join(entry.name))
    });
    let files = files.collect();
    (disk, files)
}

/// What opening and reading everything says; all of it must be there, or an error.
fn look(disk: &MemDisk) -> Result<(), Error> {
    let found = check_consistent(&open(disk)?)?;
    assert_eq!(found.len(), N_EVENTS, "something is gone, and nobody said so");
    Ok(())
}

#[test]
fn no_flipped_bit_passes() {
    let (disk, files) = at_rest();
    look(&disk.after_process_death()).unwrap();
    let mut kinds = std::collections::BTreeSet::new();
    for path in files {
        let len = disk.open(&path, OpenMode::Read).unwrap().len().unwrap() as usize;
        let name = path.file_name().unwrap().to_str().unwrap();
        let n_flips = if name.ends_with(".section") { FLIPS_PER_SECTION } else { FLIPS_PER_FILE };
        let mut n_told = 0;
        for (turn, offset) in (0..len).step_by(len.div_ceil(n_flips).max(1)).enumerate() {
            let copy = disk.after_process_death();
            assert!(copy.flip(&path, offset, 1 << (turn % 8)));
            match look(&copy) {
                Ok(()) => {}
                Err(Error::Corrupt { file, what }) => {
                    let told = format!("{file}: {what}");
                    assert!(told.contains(name), "{name} {offset}: {told}");
                    let places = [" byte ", " offset ", " version "];
                    assert!(
                        places.iter().any(|place| what.contains(place)),
                        "{name} {offset}: {told}"
                    );
                    n_told += 1;
                }
                Err(error) => panic!("{name} {offset}: not told as damage: {error}"),
            }
        }
        if n_told > 0 {
            kinds.insert(path.parent().unwrap().file_name().unwrap().to_owned());
        }
    }
    assert_eq!(kinds.len(), 6, "damage was told of {kinds:?}");
}
