//! Released segments are reused or removed, and nothing reads what they hold then.

use super::support::{append_durable, eventually, files, open, options, read_all, record};
use crate::disk::{Disk, MemDisk, OpenMode, read_exact_at};
use crate::log::{Log, LogError, LogOptions};

const SEGMENT: u64 = 1024;

fn fill(log: &Log, n: u64) -> Vec<(u64, u64)> {
    (0..n).map(|number| append_durable(log, number, 200).unwrap()).collect()
}

/// What is kept begins where a segment's last group ends, short of its border: that segment is needed no more.
#[test]
fn a_log_begins_behind_a_released_segment_that_was_not_full() {
    let disk = MemDisk::new();
    let (log, _) = open(&disk, options(SEGMENT)).unwrap();
    let found: Vec<_> = (0..40).map(|number| append_durable(&log, number, 150).unwrap()).collect();
    let is_last = |pair: &&[(u64, u64)]| {
        3 * SEGMENT < pair[0].0 && pair[0].0 / SEGMENT != pair[1].0 / SEGMENT
    };
    let last = found.windows(2).find(is_last).unwrap()[0];
    let keep_from = last.0 + record(last.1, 150).len() as u64;
    assert_ne!(keep_from % SEGMENT, 0);
    let border = keep_from.next_multiple_of(SEGMENT);
    log.release_before(keep_from);
    assert_eq!(log.start(), border, "the segment is released");
    let is_below = |(name, _): &(String, u64)| *name < format!("{border:016x}");
    eventually("removing segments", || !files(&disk).iter().any(is_below));
    log.close().unwrap();
    drop(log);

    let mut options = options(SEGMENT);
    options.start_position = keep_from;
    let (log, replayed) = open(&disk, options).unwrap();
    let expected: Vec<_> = found.iter().copied().filter(|found| keep_from <= found.0).collect();
    assert_eq!(replayed, expected);
    assert_eq!(log.start(), border);
}

#[test]
fn released_segments_are_reused_and_the_rest_removed() {
    let disk = MemDisk::new();
    let (log, _) = open(&disk, options(SEGMENT)).unwrap();
    let found = fill(&log, 40);
    let mut stale_reader = log.reader(0).unwrap();
    stale_reader.next_group().unwrap().unwrap();

    let keep_from = found[30].0;
    log.release_before(keep_from);
    let start = log.start();
    assert_eq!(start, keep_from & !(SEGMENT - 1), "whole segments only");
    assert_eq!(read_all(&log, keep_from), found[30..]);

    let first = found[0].0;
    let mut buf = [0; 200];
    assert!(matches!(log.read_exact_at(first, &mut buf), Err(LogError::Released { .. })));
    assert!(matches!(log.reader(first), Err(LogError::Released { .. })));
    assert!(matches!(stale_reader.next_group(), Err(LogError::Released { .. })));

    // One spare is kept, or reused at once; the others leave in steps.
    eventually("removing segments", || {
        let n_kept = files(&disk).iter().filter(|(name, _)| name.contains("spare")).count() as u64;
        let metrics = log.metrics();
        metrics.segments_removed + metrics.segments_recycled + n_kept == start / SEGMENT
    });
    assert!(3 < log.metrics().segments_removed);
    let more = fill(&log, 20);
    eventually("reusing a segment", || 0 < log.metrics().segments_recycled);
    assert_eq!(read_all(&log, more[0].0), more);
    let n_beyond =
        files(&disk).iter().filter(|(name, _)| format!("{:016x}", log.end()) < *name).count();
    assert!(n_beyond <= 3, "no more segments are made than asked for, {n_beyond} and the spare");
    log.close().unwrap();
    drop(log);

    let mut options = options(SEGMENT);
    options.start_position = keep_from;
    let (log, replayed) = open(&disk, options.clone()).unwrap();
    assert_eq!(log.start(), start);
    let expected: Vec<_> = found[30..].iter().chain(&more).copied().collect();
    assert_eq!(&replayed, &expected[expected.len() - replayed.len()..]);
    assert!(replayed.contains(&found[30]));
    drop(log);
    options.start_position = start;
    let (log, replayed) = open(&disk, options.clone()).unwrap();
    assert_eq!(read_all(&log, start), replayed, "the start itself can be replayed from");
    assert_eq!(&replayed[replayed.len() - 20..], more);
    drop(log);
    options.start_position = 0;
    assert!(matches!(open(&disk, options), Err(LogError::Missing { .. })));
}

#[test]
fn recycled_segments_never_show_their_old_groups() {
    let disk = MemDisk::new();
    let mut options = options(512);
    options.max_spares = 8;
    let mut log = open(&disk, options.clone()).unwrap().0;
    let mut last = Vec::new();
    // Groups of one size in every round: the old ones lie exactly where new ones would begin.
    for round in 0..30_u64 {
        last = (0..7).map(|n| append_durable(&log, round * 7 + n, 60).unwrap()).collect();
        log.release_before(last[0].0);
        options.start_position = last[0].0;
        let found = read_all(&log, last[0].0);
        assert_eq!(found, last, "round {round}");
        if round % 3 == 2 {
            // Killed, so that the tail is searched for.
            let after = disk.after_process_death();
            let (_, found) = open(&after, options.clone()).unwrap();
            assert_eq!(found, last);
        }
    }
    eventually("reusing segments", || 3 < log.metrics().segments_recycled);
    drop(log);
    let (reopened, found) = open(&disk, options).unwrap();
    log = reopened;
    assert_eq!(found, last);
    append_durable(&log, 1, 60).unwrap();
}

#[test]
fn an_unfinished_release_is_finished_at_the_next_open() {
    let disk = MemDisk::new();
    let (log, _) = open(&disk, options(SEGMENT)).unwrap();
    let found = fill(&log, 20);
    log.close().unwrap();
    drop(log);
    // A segment in the middle of the released ones is gone already, another one on its way.
    let dir = std::path::Path::new(super::support::DIR);
    disk.remove(&dir.join(format!("{SEGMENT:016x}.log"))).unwrap();
    disk.rename(&dir.join(format!("{:016x}.log", 2 * SEGMENT)), &dir.join("x.old")).unwrap();
    let mut options = options(SEGMENT);
    options.start_position = found[18].0;
    let (log, _) = open(&disk, options).unwrap();
    assert_eq!(log.start(), 3 * SEGMENT);
    eventually("removing the leftovers", || {
        let names: Vec<_> = files(&disk).into_iter().map(|(name, _)| name).collect();
        !names.contains(&"x.old".to_owned()) && !names.contains(&format!("{:016x}.log", 0))
    });
}

/// What was erased must not lie in a spare file for ever.
#[test]
fn spare_segments_take_turns_so_that_old_bytes_are_overwritten() {
    let disk = MemDisk::new();
    let options = LogOptions { max_spares: 4, ..options(SEGMENT) };
    let (log, _) = open(&disk, options).unwrap();
    let early = fill(&log, 40);
    log.release_before(early[39].0);
    let n_spares = || files(&disk).iter().filter(|(name, _)| name.contains("spare")).count();
    eventually("keeping spares", || 4 == n_spares());
    for round in 10..30 {
        let before = log.metrics().segments_recycled;
        let found: Vec<_> =
            (0..8).map(|n| append_durable(&log, round * 10 + n, 200).unwrap()).collect();
        log.release_before(found[7].0);
        eventually("reusing a segment", || before < log.metrics().segments_recycled);
        eventually("keeping spares", || 4 == n_spares());
    }
    log.close().unwrap();
    drop(log);
    for (name, len) in files(&disk) {
        let path = std::path::Path::new(super::support::DIR).join(&name);
        let mut bytes = vec![0; len as usize];
        let file = disk.open(&path, OpenMode::Read).unwrap();
        read_exact_at(&*file, &mut bytes, 0).unwrap();
        for number in 0..40 {
            let old = record(number, 200);
            assert!(memchr::memmem::find(&bytes, &old).is_none(), "{name} holds record {number}");
        }
    }
}
