//! What is appended is found again, by replay, readers and position.

use std::sync::Arc;

use proptest::prelude::*;

use super::support::{DIR, append, append_durable, open, options, parse, read_all, record};
use crate::disk::{MemDisk, RealDisk};
use crate::log::{Durability, Log, LogError, Payload};

#[derive(Clone, Debug)]
enum Action {
    /// Appends records of these lengths under one lock.
    Append(Vec<usize>),
    Wait,
    Reopen {
        cleanly: bool,
    },
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        6 => prop::collection::vec(12_usize..400, 1..5).prop_map(Action::Append),
        3 => Just(Action::Wait),
        1 => any::<bool>().prop_map(|cleanly| Action::Reopen { cleanly }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn everything_appended_is_found_again(
        actions in prop::collection::vec(action(), 1..30),
        segment_log2 in 9_u32..13,
        max_group_bytes in 1_usize..1000,
        none in any::<bool>(),
    ) {
        let disk = MemDisk::new();
        let mut options = options(1 << segment_log2);
        options.max_group_bytes = max_group_bytes;
        options.durability = if none { Durability::None } else { Durability::Fsync };
        let (mut log, found) = open(&disk, options.clone()).unwrap();
        prop_assert!(found.is_empty());
        let mut appended: Vec<(u64, u64, usize)> = Vec::new();
        for action in actions {
            match action {
                Action::Append(lens) => {
                    let mut appender = log.lock().unwrap();
                    for len in lens {
                        let number = appended.len() as u64;
                        let expected = appender.position_for(len).unwrap();
                        let bytes = record(number, len);
                        let position = if number.is_multiple_of(2) {
                            appender.push(&bytes).unwrap()
                        } else {
                            appender.push_with(len, |at, place| {
                                assert_eq!(at, expected);
                                place.copy_from_slice(&bytes);
                            }).unwrap()
                        };
                        prop_assert_eq!(position, expected);
                        prop_assert_eq!(appender.end(), position + len as u64);
                        appended.push((position, number, len));
                    }
                }
                Action::Wait => log.wait_durable(log.end()).block().unwrap(),
                Action::Reopen { cleanly } => {
                    if cleanly {
                        log.close().unwrap();
                    }
                    drop(log);
                    let reopened = open(&disk, options.clone()).unwrap();
                    log = reopened.0;
                    let expected: Vec<_> = appended.iter().map(|(at, n, _)| (*at, *n)).collect();
                    prop_assert_eq!(reopened.1, expected);
                }
            }
        }
        log.wait_durable(log.end()).block().unwrap();
        let expected: Vec<_> = appended.iter().map(|(at, n, _)| (*at, *n)).collect();
        prop_assert_eq!(read_all(&log, 0), expected.clone());
        for (i, (position, number, len)) in appended.iter().enumerate() {
            let mut bytes = vec![0; *len];
            log.read_exact_at(*position, &mut bytes).unwrap();
            prop_assert_eq!(bytes, record(*number, *len));
            let from_here = read_all(&log, *position);
            let skipped = appended.len() - from_here.len();
            prop_assert!(skipped <= i, "the record at the start position is read");
            prop_assert_eq!(&from_here[..], &expected[skipped..]);
        }
        // Replay from any position begins with the group that holds it.
        drop(log);
        if let Some((position, number, _)) = appended.get(appended.len() / 2) {
            let mut options = options;
            options.start_position = *position;
            let (_log, found) = open(&disk, options).unwrap();
            prop_assert!(found.contains(&(*position, *number)));
            prop_assert_eq!(&found[..], &expected[expected.len() - found.len()..]);
        }
    }
}

#[test]
fn a_log_on_a_real_disk_outlives_its_process() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let open = || {
        let mut found = Vec::new();
        let log = Log::open(Arc::new(RealDisk), &path, options(8192), |position, payload| {
            found.extend(parse(position, payload));
            Ok(())
        });
        (log.unwrap(), found)
    };
    let (log, _) = open();
    let first: Vec<_> = (0..100).map(|n| append_durable(&log, n, 500).unwrap()).collect();
    log.close().unwrap();
    drop(log);
    let (log, found) = open();
    assert_eq!(found, first);
    let more = append_durable(&log, 100, 8000).unwrap();
    drop(log);
    let (log, found) = open();
    assert_eq!(found.last(), Some(&more));
    assert_eq!(log.segment_bytes(), 8192);
    let metrics = log.metrics();
    assert_eq!(metrics.groups, 1, "a mark");
    assert_eq!(metrics.sync_histogram.iter().sum::<u64>(), metrics.syncs);
}

#[test]
fn payloads_stay_while_the_walk_goes_on() {
    let disk = MemDisk::new();
    let (log, _) = open(&disk, options(4 << 20)).unwrap();
    // More than is read at once, in parts that do not end where a read does.
    let appended: Vec<_> = (0..40).map(|n| append_durable(&log, n, 300_001).unwrap()).collect();
    drop(log);
    let mut groups = Vec::new();
    let mut keep = |position, payload: Payload| {
        groups.push((position, payload));
        Ok(())
    };
    let disk = Arc::new(disk);
    Log::open_and(disk, DIR, options(4 << 20), &mut keep, &mut || Ok(())).unwrap();
    let found: Vec<_> =
        groups.iter().flat_map(|(position, payload)| parse(*position, payload)).collect();
    assert_eq!(found, appended);
}

#[test]
fn an_existing_log_keeps_its_segment_size() {
    let disk = MemDisk::new();
    let (log, _) = open(&disk, options(1024)).unwrap();
    let appended: Vec<_> = (0..20).map(|n| append_durable(&log, n, 100).unwrap()).collect();
    drop(log);
    let (log, found) = open(&disk, options(4096)).unwrap();
    assert_eq!(found, appended);
    assert_eq!(log.segment_bytes(), 1024);
}

#[test]
fn bounds_are_errors() {
    let disk = MemDisk::new();
    let (log, _) = open(&disk, options(512)).unwrap();
    let max = crate::log::LogOptions::max_payload(512);
    let too_large = append(&log, 0, max + 1).unwrap_err();
    assert!(matches!(too_large, LogError::TooLarge { .. }), "{too_large}");
    let (position, _) = append_durable(&log, 0, max).unwrap();
    let mut buf = vec![0; max];
    log.read_exact_at(position, &mut buf).unwrap();
    buf.push(0);
    let beyond = log.read_exact_at(position, &mut buf).unwrap_err();
    assert!(matches!(beyond, LogError::OutOfRange { .. }), "{beyond}");
    assert!(matches!(log.reader(log.end() + 1), Err(LogError::OutOfRange { .. })));
    assert!(log.reader(log.end()).unwrap().next_group().unwrap().is_none());
    drop(log);

    for segment_bytes in [0, 256, 1000, 4 << 30] {
        let refused = open(&MemDisk::new(), options(segment_bytes)).unwrap_err();
        assert!(matches!(refused, LogError::Options { .. }), "{refused}");
    }
    let mut other = options(512);
    other.store_id = 1;
    let refused = open(&disk, other).unwrap_err();
    assert!(matches!(refused, LogError::WrongStore { .. }), "{refused}");
    let refused =
        Log::open(Arc::new(disk), DIR, options(512), |_, _| Err("no".into())).unwrap_err();
    assert!(
        refused.to_string().contains("cannot replay the group at position 616: no"),
        "{refused}"
    );
}
