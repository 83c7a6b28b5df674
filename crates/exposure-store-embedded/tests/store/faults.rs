//! Whatever fails, and whenever the process dies or the power goes: acknowledged ⊆ stored ⊆ sent,
//! each once, and the state is that of what is stored.

use std::collections::BTreeMap;
use std::sync::Arc;

use exposure_store::Error;
use exposure_store_embedded::EmbeddedStore;
use exposure_store_embedded::disk::{Fault, FaultyDisk, MemDisk, Op};

use super::workload::{N_EVENTS, Run, check_steady, open};

/// Operations of one kind that are made to fail, spread over all of the script's.
const SAMPLES: u64 = 12;
/// Losses of power tried after each.
const POWER_LOSSES: u64 = 2;

/// How a planned fault strikes.
#[derive(Clone, Copy, Debug)]
enum Strike {
    Once,
    /// Until somebody mends it.
    FromThenOn,
}

struct Struck {
    run: Run,
    hits: u64,
}

/// Runs the script with one planned fault, and looks at what is left.
fn strike(op: Op, n: u64, fault: Fault, strike: Strike) -> Struck {
    let memory = MemDisk::new();
    let disk = FaultyDisk::new(Arc::new(memory.clone()));
    match strike {
        Strike::Once => disk.fail_after(op, n, fault),
        Strike::FromThenOn => disk.fail_all_after(op, n, fault),
    }
    let mut at_failure = None;
    let run = Run::script(&disk, |run, store| {
        let reads_work = !matches!(op, Op::Read | Op::Open | Op::List);
        if reads_work && run.acknowledged.contains(&0) {
            check_steady(store);
        }
        if at_failure.is_none() && !run.failures.is_empty() {
            at_failure = Some((run.clone(), memory.after_process_death()));
        }
    });
    assert!(!memory.forgot_too_soon(), "{op:?} {n} {fault:?}");
    for (step, error) in &run.failures {
        // Nothing is damaged: whoever reads "damaged" looks for a backup.
        assert!(!matches!(error, Error::Corrupt { .. }), "{op:?} {n} {fault:?} {step}: {error}");
    }
    let look = |memory: &MemDisk| -> EmbeddedStore {
        match open(memory) {
            Ok(store) => store,
            Err(error) => panic!("{op:?} {n} {fault:?}: can not be opened again: {error}\n{run:?}"),
        }
    };
    if let Some((run, memory)) = at_failure {
        run.check(&look(&memory));
    }
    let what = format!("{op:?} {n} {fault:?} {strike:?}");
    run.check_retry(&look(&memory.after_process_death()), &format!("{what}, died"));
    for seed in 0..POWER_LOSSES {
        let found = memory.after_power_loss(seed * 1000 + n);
        run.check_retry(&look(&found), &format!("{what}, lost power by {seed}: {run:?}"));
    }
    Struck { run, hits: disk.n_hits() }
}

/// How often the script does each kind of operation when nothing fails.
fn counts() -> BTreeMap<Op, u64> {
    let disk = FaultyDisk::new(Arc::new(MemDisk::new()));
    let run = Run::script(&disk, |_, store| check_steady(store));
    assert_eq!((run.failures.len(), run.acknowledged.len()), (0, N_EVENTS), "{run:?}");
    Op::ALL.into_iter().map(|op| (op, disk.count(op))).collect()
}

/// Which of so many operations are made to fail: the first ones, and some of all others.
fn samples(count: u64, turn: u64) -> impl Iterator<Item = u64> {
    let step = count.div_ceil(SAMPLES).max(1);
    let spread = (turn % step..count).step_by(step as usize);
    (0..count.min(4)).filter(move |n| n % step != turn % step).chain(spread)
}

#[test]
fn every_operation_may_fail() {
    for (op, count) in counts() {
        let (mut n_hits, mut n_failed_commits, mut n_failures) = (0, 0, 0);
        for (turn, (fault, how)) in (0..).zip([
            (Fault::OutOfSpace, Strike::FromThenOn),
            (Fault::Io, Strike::Once),
            (Fault::Io, Strike::FromThenOn),
        ]) {
            for n in samples(count, turn * 5) {
                let struck = strike(op, n, fault, how);
                n_hits += struck.hits;
                n_failures += struck.run.failures.len();
                let steps = struck.run.failures.iter();
                n_failed_commits += steps.filter(|(step, _)| *step == "commit").count();
            }
        }
        assert!(n_hits > 0, "{op:?} was never struck");
        assert!(n_failures > 0, "{op:?} never failed");
        if matches!(op, Op::Write | Op::Sync) {
            assert!(n_failed_commits > 0, "no commit failed by {op:?}");
        }
    }
}

#[test]
fn interrupted_and_short_operations_are_not_noticed() {
    for (op, count) in counts() {
        let mut n_hits = 0;
        for (turn, fault) in (0..).zip([Fault::Interrupted, Fault::Short]) {
            for n in samples(count, turn * 7) {
                let struck = strike(op, n, fault, Strike::Once);
                n_hits += struck.hits;
                assert!(struck.run.failures.is_empty(), "{op:?} {n} {fault:?}: {:?}", struck.run);
                assert_eq!(struck.run.acknowledged.len(), N_EVENTS);
            }
        }
        assert!(n_hits > 0, "{op:?} was never struck");
    }
}
