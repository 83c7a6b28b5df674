//! Random histories: the window decides as the model does, whatever happens in between.

use std::sync::Arc;

use proptest::prelude::*;

use super::harness::{Bitmaps, Harness, SECOND, options};
use crate::disk::MemDisk;

#[derive(Debug, Clone)]
enum Op {
    /// `n` ids from `start` on, received at the clock plus `late_ms`.
    Add {
        owner: u8,
        start: u16,
        n: u16,
        content: u64,
        late_ms: i64,
    },
    Pass {
        ms: i64,
    },
    NextPosition,
    Step,
    Settle,
    Freeze,
    Die(Bitmaps),
    LosePower(u64, Bitmaps),
    /// A task is out while other things happen; its result comes with the next one.
    StepLate,
}

fn bitmaps() -> impl Strategy<Value = Bitmaps> {
    prop_oneof![2 => Just(Bitmaps::Kept), 3 => Just(Bitmaps::Apart), 1 => Just(Bitmaps::OutOfHand), 1 => Just(Bitmaps::Lost)]
}

fn op() -> impl Strategy<Value = Op> {
    // Live, an import weeks old, and anything in between, also at the edges of the window.
    let late = prop_oneof![6 => Just(0), 2 => -140_000_i64..10_000, 1 => Just(-64_000), 1 => Just(-1_000_000)];
    prop_oneof![
        12 => (0_u8..8, 0_u16..400, 1_u16..60, 0_u64..3, late)
            .prop_map(|(owner, start, n, content, late_ms)| Op::Add { owner, start, n, content, late_ms }),
        4 => (0_i64..2500).prop_map(|ms| Op::Pass { ms }),
        1 => (0_i64..80_000).prop_map(|ms| Op::Pass { ms }),
        4 => Just(Op::NextPosition),
        6 => Just(Op::Step),
        2 => Just(Op::StepLate),
        1 => Just(Op::Settle),
        1 => Just(Op::Freeze),
        1 => bitmaps().prop_map(Op::Die),
        1 => (any::<u64>(), bitmaps()).prop_map(|(seed, bitmaps)| Op::LosePower(seed, bitmaps)),
    ]
}

fn check_history(ops: &[Op]) {
    let mut disk = MemDisk::new();
    let mut harness = Harness::open(Arc::new(disk.clone()), options());
    let mut out = Vec::new();
    for op in ops {
        match *op {
            Op::Add { owner, start, n, content, late_ms } => {
                for id in start..start + n {
                    let received_us = harness.now_us + late_ms * 1000;
                    harness.add(owner, id, content, received_us).unwrap();
                }
            }
            Op::Pass { ms } => harness.now_us += ms * SECOND / 1000,
            Op::NextPosition => harness.position += 1,
            Op::Step => {
                harness.step().unwrap();
            }
            Op::StepLate => {
                if let Some(task) = harness.window.next_task(harness.now_us) {
                    out.push(task);
                }
            }
            Op::Settle => harness.settle().unwrap(),
            Op::Freeze => {
                harness.position += 1;
                harness.window.force_freeze(harness.position);
            }
            Op::Die(bitmaps) => {
                out.clear();
                disk = disk.after_process_death();
                harness.reopen(Arc::new(disk.clone()), bitmaps).unwrap();
            }
            Op::LosePower(seed, bitmaps) => {
                out.clear();
                disk = disk.after_power_loss(seed);
                harness.reopen(Arc::new(disk.clone()), bitmaps).unwrap();
            }
        }
        if !matches!(op, Op::StepLate) && 2 <= out.len() || matches!(op, Op::Freeze) {
            for task in out.drain(..) {
                harness.window.finish(task.run(&mut |_| {})).unwrap();
            }
        }
    }
    for task in out {
        harness.window.finish(task.run(&mut |_| {})).unwrap();
    }
    harness.check_all();
    harness.settle().unwrap();
    harness.check_all();
    harness.window.verify().unwrap();
    harness.position += 1;
    harness.window.force_freeze(harness.position);
    harness.settle().unwrap();
    assert_eq!(harness.window.covered_position(), harness.position);
    harness.reopen(Arc::new(disk.after_power_loss(1)), Bitmaps::Kept).unwrap();
    harness.check_all();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(160))]
    #[test]
    fn the_window_decides_as_the_model(ops in proptest::collection::vec(op(), 1..150)) {
        check_history(&ops);
    }
}

/// An id that ran out stays forgotten when a replay finds it behind a run of later ids.
#[test]
fn a_replay_makes_no_old_id_young() {
    let add = |start, n, late_ms| Op::Add { owner: 0, start, n, content: 0, late_ms };
    check_history(&[
        add(158, 35, 0),
        Op::Pass { ms: 64_877 },
        add(0, 64, 0),
        Op::Step,
        Op::Step,
        Op::Die(Bitmaps::Apart),
        // Received as far behind the first as the window reaches, in a bucket that it does not.
        add(126, 33, -877),
    ]);
}

/// Many runs in one bucket, written faster than they are merged: the front filter's case.
#[test]
fn a_bucket_of_many_runs_forgets_nothing() {
    let disk = MemDisk::new();
    let mut options = options();
    options.merge_fan_in = 16;
    options.resident_max_ids = 0;
    let mut harness = Harness::open(Arc::new(disk.clone()), options);
    for id in 0..4000 {
        harness.add((id % 8) as u8, id, 1, harness.now_us).unwrap();
        while harness.window.needs_flush() {
            harness.step().unwrap();
        }
    }
    assert_eq!((harness.n_new, harness.n_duplicates), (4000, 0));
    harness.check_all();
    // With the merges done, and again with the bucket closed.
    harness.settle().unwrap();
    harness.check_all();
    harness.now_us += 2 * SECOND;
    harness.settle().unwrap();
    harness.check_all();
    assert_eq!(disk.list_runs(), 1, "a closed bucket is one run");
}

/// The same file imported twice, its receive times weeks old and out of order.
#[test]
fn an_import_is_deduplicated_against_itself() {
    let disk = MemDisk::new();
    let mut harness = Harness::open(Arc::new(disk), options());
    let received = |id: u16| 500 * SECOND + i64::from(id) * 7919 % 300 * SECOND;
    for _ in 0..3 {
        for id in 0..500 {
            harness.add(3, id, 1, received(id)).unwrap();
        }
        harness.settle().unwrap();
        harness.now_us += 30 * SECOND;
    }
    assert_eq!((harness.n_new, harness.n_duplicates), (500, 1000));
    // Past the window of the import, it is forgotten with all its files.
    harness.now_us += 40 * SECOND;
    harness.settle().unwrap();
    assert_eq!((harness.window.len(), harness.window.disk_bytes()), (0, 0));
    harness.add(3, 1, 1, received(1)).unwrap();
    assert_eq!(harness.n_new, 501);
}

#[test]
fn another_window_keeps_what_is_known() {
    let disk = MemDisk::new();
    let mut harness = Harness::open(Arc::new(disk.clone()), options());
    for round in 0..40 {
        for id in 0..30 {
            harness.add((id % 8) as u8, round * 30 + id, 1, harness.now_us).unwrap();
        }
        harness.now_us += SECOND;
    }
    harness.position += 1;
    harness.window.force_freeze(harness.position);
    harness.settle().unwrap();
    for window_s in [128, 100, 256] {
        harness.change_window(Arc::new(disk.clone()), window_s * SECOND as u64);
        harness.check_all();
        harness.now_us += 3 * SECOND;
        for id in 0..30 {
            harness
                .add((id % 8) as u8, 5000 + window_s as u16 * 30 + id, 1, harness.now_us)
                .unwrap();
        }
        harness.position += 1;
        harness.window.force_freeze(harness.position);
        harness.settle().unwrap();
        harness.check_all();
        harness.reopen(Arc::new(disk.clone()), Bitmaps::Kept).unwrap();
        harness.check_all();
    }
}

impl MemDisk {
    fn list_runs(&self) -> usize {
        use crate::disk::Disk as _;
        let entries = self.list(std::path::Path::new(super::harness::DIR)).unwrap();
        entries.iter().filter(|entry| entry.name.starts_with("run-")).count()
    }
}
