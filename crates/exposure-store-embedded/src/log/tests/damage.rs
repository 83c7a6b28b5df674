//! Torn tails are cut; damage to what was durable is an error that says where.

use std::path::{Path, PathBuf};

use super::support::{DIR, Found, append, append_durable, files, open, options};
use crate::disk::{Disk, MemDisk, OpenMode, write_all_at};
use crate::log::{Fault, LogError};

const SEGMENT: u64 = 512;

/// A log over several segments, one record a group, as a killed process leaves it: nothing vouches for the last group.
fn killed() -> (MemDisk, Vec<Found>) {
    let disk = MemDisk::new();
    let (log, _) = open(&disk, options(SEGMENT)).unwrap();
    let found = (0..12).map(|n| append_durable(&log, n, 60 + n as usize).unwrap()).collect();
    (disk.after_process_death(), found)
}

/// The same after a clean stop, with the position where the log ends.
fn stopped_cleanly() -> (MemDisk, Vec<Found>, u64) {
    let disk = MemDisk::new();
    let (log, _) = open(&disk, options(SEGMENT)).unwrap();
    let found = (0..12).map(|n| append_durable(&log, n, 60 + n as usize).unwrap()).collect();
    log.close().unwrap();
    (disk, found, log.durable())
}

fn path(name: &str) -> PathBuf {
    Path::new(DIR).join(name)
}

/// Opens, checks that `found` is there, and that the log works on: appended, stopped and opened again.
fn check_works(disk: &MemDisk, found: &[Found]) {
    let (log, replayed) = open(disk, options(SEGMENT)).unwrap();
    assert_eq!(replayed, found);
    let mut expected = replayed;
    for number in 100..106 {
        expected.push(append_durable(&log, number, 90).unwrap());
    }
    drop(log);
    let (_log, again) = open(disk, options(SEGMENT)).unwrap();
    assert_eq!(again, expected);
}

#[test]
fn a_tail_torn_at_any_byte_is_cut() {
    let (disk, found) = killed();
    let (last, before) = found.split_last().unwrap();
    let segment = last.0 & !(SEGMENT - 1);
    let name = path(&format!("{segment:016x}.log"));
    let (start, end) = (last.0 - 40 - segment, last.0 + 71 - segment);
    check_works(&disk.after_process_death(), &found);
    for cut in start..end {
        for garbage in [0, 0xA5] {
            let disk = disk.after_process_death();
            let file = disk.open(&name, OpenMode::Write).unwrap();
            write_all_at(&*file, &vec![garbage; (end - cut) as usize], cut).unwrap();
            check_works(&disk, before);
        }
        let disk = disk.after_process_death();
        disk.open(&name, OpenMode::Write).unwrap().truncate(cut).unwrap();
        check_works(&disk, before);
    }
}

/// Flips every byte of every file; `durable` records must be found, or opening fails and says where.
fn check_every_flip(disk: &MemDisk, found: &[Found], n_durable: usize) {
    let (mut n_refused, mut n_cut) = (0, 0);
    for (name, len) in files(disk) {
        for offset in 0..len as usize {
            let disk = disk.after_process_death();
            assert!(disk.flip(&path(&name), offset, 1 << (offset % 8)));
            match open(&disk, options(SEGMENT)) {
                Ok((_, replayed)) => {
                    assert!(n_durable <= replayed.len(), "{name} at {offset} lost {replayed:?}");
                    assert_eq!(replayed, found[..replayed.len()], "{name} at {offset}");
                    n_cut += usize::from(replayed.len() < found.len());
                }
                Err(error) => {
                    assert!(error.is_damage(), "{name} at {offset}: {error}");
                    assert!(error.to_string().contains(&name), "{name} at {offset}: {error}");
                    n_refused += 1;
                }
            }
        }
    }
    assert!(800 < n_refused, "{n_refused} refused");
    assert_eq!(0 < n_cut, n_durable < found.len());
}

#[test]
fn a_flipped_byte_never_loses_durable_records_in_silence() {
    let (disk, found) = killed();
    check_every_flip(&disk, &found, found.len() - 1);
    let (disk, found, _) = stopped_cleanly();
    check_every_flip(&disk, &found, found.len());
}

#[test]
fn a_mark_vouches_for_the_last_group() {
    let disk = MemDisk::new();
    let mut options = options(SEGMENT);
    options.mark_after = std::time::Duration::from_millis(1);
    let (log, _) = open(&disk, options.clone()).unwrap();
    let (position, _) = append_durable(&log, 7, 100).unwrap();
    super::support::eventually("a mark", || position + 100 < log.durable());
    let disk = disk.after_process_death();
    assert!(disk.flip(&path("0000000000000000.log"), position as usize + 99, 4));
    let error = open(&disk, options).unwrap_err();
    let at = format!("checksum of the group does not match at offset {}", position - 40);
    assert!(error.to_string().contains(&at), "{error}");
}

#[test]
fn a_missing_tail_after_a_clean_stop_is_an_error() {
    let (disk, found, end) = stopped_cleanly();
    let segments: Vec<_> =
        files(&disk).into_iter().filter(|(name, _)| name.contains(".log")).collect();
    for (name, _) in &segments {
        let begun = u64::from_str_radix(&name[..16], 16).unwrap() < end;
        let without = disk.after_process_death();
        without.remove(&path(name)).unwrap();
        let shortened = disk.after_process_death();
        shortened.open(&path(name), OpenMode::Write).unwrap().truncate(100).unwrap();
        for disk in [without, shortened] {
            match open(&disk, options(SEGMENT)) {
                Ok((_, replayed)) => assert!(!begun && replayed == found, "{name}"),
                Err(error) => assert!(begun && error.is_damage(), "{name}: {error}"),
            }
        }
    }
}

#[test]
fn a_segment_missing_in_the_middle_is_an_error() {
    let (disk, found) = killed();
    let last = found.last().unwrap().0 & !(SEGMENT - 1);
    for start in (0..last).step_by(SEGMENT as usize) {
        let disk = disk.after_process_death();
        disk.remove(&path(&format!("{start:016x}.log"))).unwrap();
        let error = open(&disk, options(SEGMENT)).unwrap_err();
        assert!(matches!(error, LogError::Missing { .. }), "{error}");
    }
}

#[test]
fn the_caller_can_vouch_for_a_position() {
    let (disk, found) = killed();
    let mut options = options(SEGMENT);
    options.durable_floor = found.last().unwrap().0 + 71;
    drop(open(&disk.after_process_death(), options.clone()).unwrap());
    options.durable_floor += 1;
    let error = open(&disk, options.clone()).unwrap_err();
    assert!(error.is_damage(), "{error}");
    let error = open(&MemDisk::new(), options).unwrap_err();
    assert!(matches!(error, LogError::Missing { .. }), "{error}");
}

#[test]
fn a_reader_notices_damage_that_came_while_the_log_was_open() {
    let disk = MemDisk::new();
    let (log, _) = open(&disk, options(4096)).unwrap();
    let found: Vec<_> = (0..5).map(|n| append_durable(&log, n, 80).unwrap()).collect();
    let at = found[2].0;
    assert!(disk.flip(&path("0000000000000000.log"), at as usize + 40, 1));
    let mut reader = log.reader(0).unwrap();
    for _ in 0..2 {
        assert!(reader.next_group().unwrap().is_some());
    }
    match reader.next_group().unwrap_err() {
        LogError::Damaged { offset, fault, .. } => {
            assert_eq!((offset, fault), (at - 40, Fault::Checksum));
        }
        other => panic!("{other}"),
    }
    append(&log, 9, 20).unwrap();
}

#[test]
fn an_unknown_format_is_refused_and_not_touched() {
    let (disk, _, _) = stopped_cleanly();
    let name = path("0000000000000000.log");
    let file = disk.open(&name, OpenMode::Write).unwrap();
    let mut header = [0; 64];
    crate::disk::read_exact_at(&*file, &mut header, 0).unwrap();
    header[8] = 2;
    let crc = crc32fast::hash(&header[..60]);
    header[60..].copy_from_slice(&crc.to_le_bytes());
    write_all_at(&*file, &header, 0).unwrap();
    let before = files(&disk);
    let error = open(&disk, options(SEGMENT)).unwrap_err();
    assert!(matches!(error, LogError::UnsupportedVersion { found: 2, known: 1, .. }), "{error}");
    assert_eq!(files(&disk), before);
}
