//! Every operation of flush, merge and removal fails once, at every place it is used.

use std::sync::Arc;

use super::harness::{Bitmaps, Harness, SECOND, options};
use crate::disk::{Fault, FaultyDisk, MemDisk, Op};

/// Flushes, merges, closes a bucket, forgets one. Returns how many steps failed.
fn live(harness: &mut Harness, mut on_failure: impl FnMut(&mut Harness)) -> usize {
    let mut n_failed = 0;
    for round in 0..5_u16 {
        for id in 0..150 {
            // Half of them are new, half were seen two rounds ago.
            let mut add = || harness.add((id % 8) as u8, (round & !2) * 75 + id, 1, harness.now_us);
            if let Err(error) = add() {
                assert!(error.is_retryable(), "{error}");
                n_failed += 1;
                add().unwrap();
            }
            harness.position += u64::from(id % 3 == 0);
        }
        harness.window.force_freeze(harness.position + 1);
        harness.position += 1;
        loop {
            match harness.step() {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    assert!(error.is_retryable(), "{error}");
                    n_failed += 1;
                    on_failure(harness);
                }
            }
        }
        harness.now_us += if round == 3 { 70 * SECOND } else { SECOND };
    }
    n_failed
}

fn check_faults(fault: Fault, reopens: bool) {
    let ops = [
        Op::Open,
        Op::Write,
        Op::Sync,
        Op::SyncDir,
        Op::Rename,
        Op::Remove,
        Op::Truncate,
        Op::Read,
    ];
    let mut n_failed = 0;
    for op in ops {
        // Far enough to pass the last use of any of them.
        for nth in 0..400 {
            let disk = MemDisk::new();
            let faulty = FaultyDisk::new(Arc::new(disk.clone()));
            let mut harness = Harness::open(Arc::new(faulty.clone()), options());
            faulty.fail_after(op, nth, fault);
            n_failed += live(&mut harness, |harness| {
                faulty.heal();
                if reopens {
                    let found = disk.after_power_loss(nth);
                    harness.check_all();
                    harness.reopen(Arc::new(found), Bitmaps::Kept).unwrap();
                }
                harness.check_all();
            });
            faulty.heal();
            assert!(!disk.forgot_too_soon());
            harness.check_all();
            if faulty.n_hits() == 0 {
                assert!(1 < nth, "{op:?} was never used");
                break;
            }
            if !reopens {
                harness.reopen(Arc::new(disk.after_power_loss(nth)), Bitmaps::Kept).unwrap();
                harness.check_all();
            }
        }
    }
    assert!(40 < n_failed, "only {n_failed} steps failed");
}

#[test]
fn a_failed_step_is_done_again() {
    check_faults(Fault::Io, false);
}

#[test]
fn a_failed_step_loses_nothing_when_the_power_goes() {
    check_faults(Fault::OutOfSpace, true);
}
