//! Writes end with a page, and what is far behind the end is forgotten.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::support::{
    DIR, Found, append_durable, eventually, files, open, options, read_all, record,
};
use crate::disk::{Disk, FaultyDisk, MemDisk, Op, OpenMode, read_exact_at};
use crate::log::Log;

const PAGE: u64 = 4096;
const HEADERS: u64 = 40;
const MIB: u64 = 1 << 20;

fn path(start: u64) -> PathBuf {
    Path::new(DIR).join(format!("{start:016x}.log"))
}

fn content(disk: &MemDisk, start: u64) -> Vec<u8> {
    let file = disk.open(&path(start), OpenMode::Read).unwrap();
    let mut bytes = vec![0; file.len().unwrap() as usize];
    read_exact_at(&*file, &mut bytes, 0).unwrap();
    bytes
}

/// A log whose last segment is a reused file with the records of an earlier life, with little written to it.
fn in_a_reused_segment(segment: u64) -> (MemDisk, Log, Vec<Found>) {
    let disk = MemDisk::new();
    let mut options = options(segment);
    (options.max_spares, options.ahead) = (8, 1);
    let (log, _) = open(&disk, options).unwrap();
    let mut found = Vec::new();
    loop {
        let number = found.len() as u64;
        found.push(append_durable(&log, number, segment as usize / 7).unwrap());
        let start = log.end() & !(segment - 1);
        log.release_before(start.saturating_sub(segment));
        let rest = content(&disk, start).split_off((log.end() - start) as usize);
        // Long enough for what is yet to be written, and with an earlier life in it.
        if segment / 2 < rest.len() as u64 && rest.iter().skip(PAGE as usize).any(|byte| *byte != 0)
        {
            break;
        }
    }
    let start = log.start();
    found.retain(|(position, _)| start <= *position);
    (disk, log, found)
}

fn check_found(disk: &MemDisk, segment: u64, found: &[Found]) {
    let mut options = options(segment);
    options.start_position = found[0].0;
    let (log, replayed) = open(disk, options).unwrap();
    assert_eq!(replayed, found);
    let more = append_durable(&log, 1 << 40, 100).unwrap();
    assert_eq!(read_all(&log, found[0].0).last(), Some(&more));
}

#[test]
fn the_tail_of_a_reused_segment_ends_in_zeros_and_opens_after_any_end() {
    const SEGMENT: u64 = 32 << 10;
    let (disk, log, mut found) = in_a_reused_segment(SEGMENT);
    let start = log.end() & !(SEGMENT - 1);
    for step in 0..5 {
        let bytes = content(&disk, start);
        let end = (log.end() - start) as usize;
        let border = end.next_multiple_of(PAGE as usize);
        assert_eq!(bytes.len() as u64, SEGMENT);
        assert!(bytes[end..border].iter().all(|byte| *byte == 0), "zeros up to the page's end");
        assert!(bytes[border..].iter().any(|byte| *byte != 0), "an earlier life behind them");
        check_found(&disk.after_process_death(), SEGMENT, &found);
        for seed in 0..8 {
            check_found(&disk.after_power_loss(seed), SEGMENT, &found);
        }
        found.push(append_durable(&log, 5000 + step, 777).unwrap());
    }
}

#[test]
fn a_group_that_ends_with_a_page_is_followed_by_no_zeros() {
    const SEGMENT: u64 = 32 << 10;
    let (disk, log, mut found) = in_a_reused_segment(SEGMENT);
    let start = log.end() & !(SEGMENT - 1);
    let before = content(&disk, start);
    let border = (log.end() + HEADERS + 12).next_multiple_of(PAGE);
    let len = border - log.end() - HEADERS;
    found.push(append_durable(&log, 9000, len as usize).unwrap());
    assert_eq!(log.end(), border);
    let at = (border - start) as usize;
    assert_eq!(content(&disk, start)[at..], before[at..], "the next page was not touched");
    check_found(&disk.after_process_death(), SEGMENT, &found);
    found.push(append_durable(&log, 9001, 12).unwrap());
    for seed in 0..8 {
        check_found(&disk.after_power_loss(seed), SEGMENT, &found);
    }
}

#[test]
fn no_write_goes_past_its_segment() {
    for segment in [512, 2048, 4096, 16 << 10] {
        for room in [0, 1, 39, 40, 41, 300] {
            let memory = MemDisk::new();
            let disk = FaultyDisk::new(Arc::new(memory.clone()));
            let (log, _) = open(&disk, options(segment)).unwrap();
            // A mark stands before it.
            let len = segment - log.end() - HEADERS - room;
            let before = disk.count(Op::Write);
            let mut found = vec![append_durable(&log, 0, len as usize).unwrap()];
            assert_eq!(disk.count(Op::Write), before + 1, "one write for a group and its zeros");
            assert_eq!(log.end(), segment - room);
            found.push(append_durable(&log, 1, 20).unwrap());
            eventually("segments", || files(&memory).iter().all(|(_, len)| *len == segment));
            let (_log, replayed) = open(&memory.after_process_death(), options(segment)).unwrap();
            assert_eq!(replayed, found, "segments of {segment} bytes, {room} left");
        }
    }
}

/// What was forgotten of the log, by position.
fn forgotten(disk: &MemDisk, segment: u64) -> Vec<std::ops::Range<u64>> {
    let starts = files(disk)
        .into_iter()
        .filter_map(|(name, _)| u64::from_str_radix(name.strip_suffix(".log")?, 16).ok());
    let of_file = |start: u64| {
        let ranges = disk.forgotten(&path(start));
        ranges.into_iter().map(move |range| {
            assert!(range.end <= segment);
            start + range.start..start + range.end
        })
    };
    starts.flat_map(of_file).collect()
}

#[test]
fn what_is_far_behind_the_end_is_forgotten_once_it_is_written_and_read() {
    for segment in [4 * MIB, 16 * MIB] {
        let disk = MemDisk::new();
        let mut options = options(segment);
        options.store_id = 7;
        let (log, _) = open(&disk, options.clone()).unwrap();
        let mut n_records = 0;
        while log.durable() < 86 * MIB {
            let mut appender = log.lock().unwrap();
            let end = appender.push(&record(n_records, 1_300_000)).unwrap() + 1_300_000;
            drop(appender);
            log.wait_durable(end).block().unwrap();
            n_records += 1;
        }
        log.close().unwrap();
        assert!(!disk.forgot_too_soon());
        let border = (log.durable() - 32 * MIB) & !(8 * MIB - 1);
        let written = forgotten(&disk, segment);
        // The pages where it was opened are the first ones that stay.
        assert!(written[0].start <= PAGE && written.last().unwrap().end == border, "{written:?}");
        assert!(written.windows(2).all(|pair| pair[0].end == pair[1].start), "{written:?}");

        assert_eq!(read_all(&log, 0).len() as u64, n_records);
        let read = forgotten(&disk, segment).len() - written.len();
        let n_far = (log.durable() - 64 * MIB) / segment;
        assert_eq!(read as u64, n_far, "whole segments, far behind the end");

        let found = disk.after_process_death();
        drop(open(&found, options).unwrap());
        let replayed = forgotten(&found, segment);
        let last = log.durable() & !(segment - 1);
        assert_eq!(replayed.len() as u64, last / segment, "all but the newest segment");
        assert!(replayed.iter().all(|range| range.end <= last));
    }
}
