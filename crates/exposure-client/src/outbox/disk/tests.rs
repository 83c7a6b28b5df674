use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use exposure_core::Timestamp;
use proptest::prelude::*;

use super::file::{Disk, DiskFile};
use super::open::Opened;
use super::writing::Writing;
use super::{OutboxError, OutboxOptions, SystemDisk};
use crate::member::QueueBound;
use crate::outbox::Record;
use crate::provider::MemoryProvider;
use crate::{
    DropReason, Exposure, ExposureClient, InMemorySource, InsertId, Tracked, User, Variant,
};

fn options(directory: &Path) -> OutboxOptions {
    OutboxOptions {
        directory: directory.to_owned(),
        max_bytes: 256 << 20,
        is_write_through: false,
        remembers: false,
        held: QueueBound { n_events: 1000, n_bytes: 1 << 20 },
        disk: Arc::new(SystemDisk),
    }
}

fn exposure(number: u64) -> Exposure {
    Exposure {
        user_id: Some(format!("user-{number}").into()),
        device_id: None,
        flag_key: "flag".into(),
        variant: Some("on".into()),
        experiment_key: None,
        metadata: None,
        insert_id: InsertId::from_u128(u128::from(number)),
        time: Timestamp::from_micros(number as i64),
        sequence: 0,
    }
}

/// The insert ids of what a directory holds.
fn held(directory: &Path) -> Result<Vec<u64>, OutboxError> {
    let opened = Opened::open(&options(directory))?;
    let ids = opened.exposures.iter().map(|open| open.exposure.insert_id.as_u128() as u64);
    Ok(ids.collect())
}

fn writing(directory: &Path) -> Writing {
    let options = options(directory);
    let opened = Opened::open(&options).unwrap();
    let n_open = opened.exposures.len() as u64;
    Writing::new(options, opened, n_open)
}

fn write(writing: &mut Writing, numbers: &[u64]) -> Vec<Record> {
    let exposures: Vec<Exposure> = numbers.iter().copied().map(exposure).collect();
    let (n_written, records) = writing.write(exposures.iter());
    assert_eq!(n_written, numbers.len());
    records.unwrap().records
}

fn only_segment(directory: &Path) -> PathBuf {
    let paths = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut paths = paths.filter(|path| path.extension().is_some());
    let path = paths.next().unwrap();
    assert_eq!(paths.next(), None);
    path
}

/// Three groups: [1, 2], [3] with the end of 2, unsynced, and [4].
fn three_groups(directory: &Path) {
    let mut writing = writing(directory);
    let records = write(&mut writing, &[1, 2]);
    write(&mut writing, &[3]);
    writing.end(&records[1..]);
    write(&mut writing, &[4]);
}

#[test]
fn what_has_no_end_is_there_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    three_groups(directory.path());
    assert_eq!(held(directory.path()).unwrap(), [1, 3, 4]);
    let mut writing = writing(directory.path());
    let records = write(&mut writing, &[5]);
    drop(writing);
    assert_eq!(held(directory.path()).unwrap(), [1, 3, 4, 5]);
    assert_eq!(records[0], Record { segment: 1, number: 4 }, "numbers go on");
}

#[test]
fn segments_that_are_free_go_and_the_outbox_has_room_again() {
    let directory = tempfile::tempdir().unwrap();
    let mut options = options(directory.path());
    options.max_bytes = 1 << 20;
    let opened = Opened::open(&options).unwrap();
    let mut writing = Writing::new(options, opened, 0);
    let mut number = 0;
    for _round in 0..3 {
        let mut records = Vec::new();
        let reason = loop {
            let exposures: Vec<Exposure> = (number..number + 500).map(exposure).collect();
            number += 500;
            match writing.write(exposures.iter()) {
                (_, Ok(written)) => records.extend(written.records),
                (_, Err(reason)) => break reason,
            }
        };
        assert_eq!(reason, DropReason::OutboxFull);
        assert!(5_000 < records.len(), "{}", records.len());
        writing.end(&records);
    }
    let n_segments = fs::read_dir(directory.path()).unwrap().count() - 1;
    assert!(n_segments <= 2, "{n_segments}");
    drop(writing);
    assert_eq!(held(directory.path()).unwrap(), [0; 0]);
}

#[test]
fn one_directory_has_one_client() {
    let directory = tempfile::tempdir().unwrap();
    let writing = writing(directory.path());
    let error = Opened::open(&options(directory.path())).unwrap_err();
    assert!(matches!(&error, OutboxError::InUse(path) if path == directory.path()), "{error}");
    drop(writing);
    held(directory.path()).unwrap();
}

#[test]
fn another_format_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    three_groups(directory.path());
    let path = only_segment(directory.path());
    let mut bytes = fs::read(&path).unwrap();
    bytes[12] = 2;
    fs::write(&path, bytes).unwrap();
    let error = held(directory.path()).unwrap_err();
    assert!(matches!(error, OutboxError::UnknownFormat { found: 2, known: 1, .. }), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Wherever a crash cuts the file, what was synced before is there, and it opens.
    #[test]
    fn a_torn_end_is_cut(cut in any::<prop::sample::Index>()) {
        let directory = tempfile::tempdir().unwrap();
        three_groups(directory.path());
        let path = only_segment(directory.path());
        let bytes = fs::read(&path).unwrap();
        let cut = cut.index(bytes.len() + 1);
        fs::write(&path, &bytes[..cut]).unwrap();
        let ids = held(directory.path()).unwrap();
        let possible: [&[u64]; 5] = [&[], &[1, 2], &[1, 2, 3], &[1, 3], &[1, 3, 4]];
        prop_assert!(possible.contains(&&ids[..]), "{:?} at {}", ids, cut);
        prop_assert_eq!(held(directory.path()).unwrap(), ids, "and stays so");
    }

    /// A bit that flipped in what was synced is an error that says where, unless nothing behind
    /// it proves that it ever was; it never goes unnoticed.
    #[test]
    fn damage_is_an_error_that_says_where(at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let directory = tempfile::tempdir().unwrap();
        three_groups(directory.path());
        // Sealed, or opened once more: either proves what was there before.
        let mut sealed = writing(directory.path());
        write(&mut sealed, &[9]);
        sealed.seal();
        drop(sealed);
        let path = super::open::segment_path(directory.path(), 0);
        let mut bytes = fs::read(&path).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        fs::write(&path, &bytes).unwrap();
        match held(directory.path()) {
            Err(OutboxError::Damaged { path: named, offset }) => {
                prop_assert_eq!(named, path.clone());
                prop_assert!(offset as usize <= at, "{} after {}", offset, at);
            }
            Err(OutboxError::UnknownFormat { .. }) => prop_assert!((12..16).contains(&at)),
            other => prop_assert!(false, "unnoticed at {}: {:?}", at, other),
        }
        prop_assert_eq!(fs::read(&path).unwrap(), bytes, "nothing was changed");
    }
}

/// A disk of so many bytes, counted down; below nothing, each write does half of its work.
#[derive(Clone, Debug)]
struct SmallDisk(Arc<AtomicU64>);

#[derive(Debug)]
struct SmallFile(File, Arc<AtomicU64>);

impl Disk for SmallDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let file = OpenOptions::new().append(true).create_new(true).open(path)?;
        Ok(Box::new(SmallFile(file, Arc::clone(&self.0))))
    }
}

impl DiskFile for SmallFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let left = self.1.load(Ordering::SeqCst);
        let n_bytes = bytes.len() as u64;
        if left < n_bytes {
            self.0.append(&bytes[..bytes.len() / 2])?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.1.store(left - n_bytes, Ordering::SeqCst);
        self.0.append(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync()
    }

    fn truncate(&mut self, n_bytes: u64) -> io::Result<()> {
        self.0.truncate(n_bytes)
    }
}

#[test]
fn a_full_disk_drops_and_counts_until_there_is_room() {
    let directory = tempfile::tempdir().unwrap();
    let room = Arc::new(AtomicU64::new(600));
    let (source, received) = (InMemorySource::new(), MemoryProvider::new());
    source.set("f", Variant::new("on"));
    let client = ExposureClient::builder(source)
        .linger(Duration::ZERO)
        .provider(received.clone())
        .outbox(directory.path())
        .write_through()
        .disk(SmallDisk(Arc::clone(&room)))
        .build()
        .unwrap();
    let see = |number: u64| client.exposure(&User::new(format!("user-{number}")), "f");
    let (mut n_queued, mut n_dropped) = (0, 0);
    for number in 0..100 {
        match see(number) {
            Tracked::Queued => n_queued += 1,
            Tracked::Dropped(DropReason::DiskFailed) => n_dropped += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(0 < n_queued && 0 < n_dropped, "{n_queued} {n_dropped}");
    client.blocking().flush();
    let account = client.account();
    assert!(account.closes(), "{account:?}");
    assert_eq!((account.tracked, account.delivered), (100, n_queued));
    assert_eq!(account.dropped.get(DropReason::DiskFailed), n_dropped);

    room.store(1 << 20, Ordering::SeqCst);
    assert_eq!(see(99), Tracked::Queued, "what was dropped is an exposure again");
    let report = client.blocking().shutdown(Duration::from_mins(1));
    assert!(report.is_complete() && report.account.closes(), "{report:?}");
    assert_eq!(received.exposures().len() as u64, n_queued + 1);
    assert_eq!(held(directory.path()).unwrap(), [0; 0], "and what is there reads");
}
