//! Every operation of the file system fails once; nothing is lost or doubled then.

use std::path::Path;
use std::sync::Arc;

use exposure_store::{EventFilter, ProjectId, ScanCursor};

use super::events::{Row, batch, row};
use crate::disk::{Fault, FaultyDisk, MemDisk, Op, SplitMix};
use crate::events::{Events, EventsError, EventsOptions, Retention, Unpaced};

const N: u64 = 40;

fn rows(from: u64) -> Vec<Row> {
    let mut random = SplitMix::new(from);
    (from..from + N).map(|position| row(&mut random, position)).collect()
}

fn run(disk: Arc<FaultyDisk>) -> Result<(), EventsError> {
    let options = EventsOptions { merge_width: 2, ..EventsOptions::default() };
    let events = Events::open(disk, Path::new("/data"), options)?;
    for _ in 0..3 {
        let from = events.converted();
        events.convert(&batch(&rows(from)), from..from + N, &Unpaced)?;
        while events.merge(&Retention::ALL, &Unpaced)? {}
        events.remove_gone(&Unpaced)?;
    }
    events.verify()
}

/// Whatever is there is a whole number of conversions, each row once.
fn check(disk: &MemDisk) {
    let events =
        Events::open(Arc::new(disk.clone()), Path::new("/data"), EventsOptions::default()).unwrap();
    events.verify().unwrap();
    let end = events.converted();
    assert_eq!(end % N, 0);
    let mut found = Vec::new();
    for project in [0, 0x7FFF_FFFF, 0xFFFF_FFFE] {
        let page = events
            .scan(
                ProjectId(project),
                EventFilter::default(),
                0..end,
                &ScanCursor::default(),
                usize::MAX,
            )
            .unwrap();
        found.extend(page.events);
    }
    found.sort_by_key(|event| event.position);
    let expected: Vec<_> = (0..end / N).flat_map(|i| rows(i * N)).map(|(_, event)| event).collect();
    assert_eq!(found, expected);
    // What is not live has gone.
    events.remove_gone(&Unpaced).unwrap();
    let n_files = events.stats().n_files;
    let left = ["events", "links"].into_iter().flat_map(|dir| {
        use crate::disk::Disk;
        disk.list(&Path::new("/data").join(dir)).unwrap()
    });
    let left = left.filter(|entry| !entry.name.starts_with("MANIFEST")).count() as u64;
    assert_eq!(left, n_files);
}

#[test]
fn any_operation_may_fail() {
    let counting = Arc::new(FaultyDisk::new(Arc::new(MemDisk::new())));
    run(Arc::clone(&counting)).unwrap();
    let mut random = SplitMix::new(1);
    for op in Op::ALL {
        let count = counting.count(op);
        let step = (count / 15).max(1);
        for n in (0..count).step_by(step as usize) {
            for fault in [Fault::Io, Fault::OutOfSpace, Fault::Interrupted, Fault::Short] {
                let disk = MemDisk::new();
                let faulty = Arc::new(FaultyDisk::new(Arc::new(disk.clone())));
                faulty.fail_after(op, n, fault);
                let result = run(Arc::clone(&faulty));
                let is_harmless = matches!(fault, Fault::Short)
                    || (fault == Fault::Interrupted && !matches!(op, Op::Open | Op::List));
                if is_harmless {
                    result.unwrap();
                }
                assert!(!disk.forgot_too_soon());
                check(&disk.after_process_death());
                check(&disk.after_power_loss(random.up_to(u64::MAX - 1)));
            }
        }
    }
}
