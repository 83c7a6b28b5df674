//! Records that can be told apart, and a log over a disk in memory.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::disk::Disk;
use crate::log::{Log, LogError, LogOptions};

pub(super) const DIR: &str = "data/log";

/// A record found again: its position and its number.
pub(super) type Found = (u64, u64);

pub(super) fn options(segment_bytes: u64) -> LogOptions {
    LogOptions {
        store_id: 0x5107,
        segment_bytes,
        // Nothing but what a test does decides what is on the disk.
        mark_after: Duration::from_hours(1),
        shrink_pause: Duration::ZERO,
        shrink_bytes: 300,
        max_spares: 1,
        ..LogOptions::default()
    }
}

/// A record of `len` bytes, at least 12: length, number, and bytes that follow from the number.
pub(super) fn record(number: u64, len: usize) -> Vec<u8> {
    let mut record = (len as u32).to_le_bytes().to_vec();
    record.extend_from_slice(&number.to_le_bytes());
    record.resize(len.max(12), (number % 251) as u8);
    record
}

/// The records of a group; panics on anything that is none.
pub(super) fn parse(mut position: u64, mut payload: &[u8]) -> Vec<Found> {
    let mut found = Vec::new();
    while let Some((len, rest)) = payload.split_first_chunk::<4>() {
        let number = u64::from_le_bytes(*rest.first_chunk().expect("a number"));
        let len = u32::from_le_bytes(*len) as usize;
        assert_eq!(payload[..len], record(number, len), "the record at {position} is whole");
        found.push((position, number));
        payload = &payload[len..];
        position += len as u64;
    }
    assert!(payload.is_empty());
    found
}

pub(super) fn open(
    disk: &(impl Disk + Clone),
    options: LogOptions,
) -> Result<(Log, Vec<Found>), LogError> {
    let mut found = Vec::new();
    let log = Log::open(Arc::new(disk.clone()), DIR, options, |position, payload| {
        found.extend(parse(position, payload));
        Ok(())
    })?;
    Ok((log, found))
}

pub(super) fn append(log: &Log, number: u64, len: usize) -> Result<Found, LogError> {
    let mut appender = log.lock()?;
    let expected = appender.position_for(len.max(12))?;
    let position = appender.push(&record(number, len))?;
    assert_eq!(position, expected, "the position was known before");
    Ok((position, number))
}

/// Appends one record as a group of its own and waits until it is durable.
pub(super) fn append_durable(log: &Log, number: u64, len: usize) -> Result<Found, LogError> {
    let found = append(log, number, len)?;
    log.wait_durable(found.0 + len.max(12) as u64).block()?;
    Ok(found)
}

pub(super) fn read_all(log: &Log, from: u64) -> Vec<Found> {
    let mut reader = log.reader(from).expect("a reader");
    let mut found = Vec::new();
    while let Some(group) = reader.next_group().expect("a group") {
        found.extend(parse(group.position, group.payload));
    }
    found
}

pub(super) fn files(disk: &dyn Disk) -> Vec<(String, u64)> {
    let entries = disk.list(Path::new(DIR)).expect("a listing");
    entries.into_iter().map(|entry| (entry.name, entry.len)).collect()
}

/// Waits for what a background thread does soon.
pub(super) fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(1));
    }
}
