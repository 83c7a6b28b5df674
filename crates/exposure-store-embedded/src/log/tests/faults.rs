//! Whatever fails and whenever the power goes: acknowledged ⊆ recovered ⊆ appended.

use std::sync::Arc;

use super::support::{Found, append, append_durable, open, options, read_all};
use crate::disk::{Fault, FaultyDisk, MemDisk, Op, SplitMix};
use crate::log::{Log, LogError};

const SEGMENT: u64 = 1024;
const N_FIRST: u64 = 6;
const N_MORE: u64 = 24;

#[derive(Debug, Default)]
struct History {
    appended: Vec<Found>,
    n_acknowledged: usize,
}

impl History {
    /// Appends until it is done or something fails.
    fn append(&mut self, log: &Log, n: u64) -> Result<(), LogError> {
        for _ in 0..n {
            let number = self.appended.len() as u64;
            self.appended.push(append(log, number, 70)?);
            if !number.is_multiple_of(3) {
                log.wait_durable(log.end()).block()?;
                self.n_acknowledged = self.appended.len();
            }
        }
        Ok(())
    }

    /// Checks what is found on `disk` and returns how much it is.
    fn check(&self, disk: &MemDisk) -> usize {
        let (_, found) = open(disk, options(SEGMENT)).unwrap();
        assert!(self.n_acknowledged <= found.len(), "{} of {self:?}", found.len());
        assert_eq!(found, self.appended[..found.len()]);
        found.len()
    }
}

/// Runs with one planned fault; returns what failed, and whether the fault was reached.
fn run(op: Op, n: u64, fault: Fault) -> (Option<LogError>, bool) {
    let memory = MemDisk::new();
    let disk = FaultyDisk::new(Arc::new(memory.clone()));
    let mut history = History::default();
    let (log, _) = open(&disk, options(SEGMENT)).unwrap();
    history.append(&log, N_FIRST).unwrap();
    log.wait_durable(log.end()).block().unwrap();
    history.n_acknowledged = history.appended.len();
    drop(log);

    disk.fail_after(op, n, fault);
    let failure = match open(&disk, options(SEGMENT)) {
        Err(failure) => Some(failure),
        Ok((log, found)) => {
            assert_eq!(found, history.appended);
            let failure = history.append(&log, N_MORE).err();
            if let Some(failure) = &failure {
                check_poisoned(&log, failure, &history);
            }
            failure.or_else(|| {
                let closed = log.close();
                history.n_acknowledged += if closed.is_ok() {
                    history.appended.len() - history.n_acknowledged
                } else {
                    0
                };
                closed.err()
            })
        }
    };
    assert!(!memory.forgot_too_soon());
    history.check(&memory.after_process_death());
    for seed in 0..3 {
        history.check(&memory.after_power_loss(seed * 1000 + n));
    }
    (failure, 0 < disk.n_hits())
}

fn check_poisoned(log: &Log, failure: &LogError, history: &History) {
    assert!(matches!(failure, LogError::Poisoned { .. }), "{failure}");
    assert!(matches!(log.lock(), Err(LogError::Poisoned { .. })));
    assert!(matches!(log.close(), Err(LogError::Poisoned { .. })));
    assert!(log.failure().is_some());
    assert!(log.wait_durable(log.durable()).block().is_ok());
    assert!(log.wait_durable(log.durable() + 1).block().is_err());
    // Durable reads go on.
    let found = read_all(log, 0);
    assert!(history.n_acknowledged <= found.len());
}

#[test]
fn every_operation_may_fail() {
    for op in Op::ALL {
        let mut n_failures = 0;
        for fault in [Fault::OutOfSpace, Fault::Io] {
            for n in 0.. {
                let (failure, reached) = run(op, n, fault);
                if !reached {
                    break;
                }
                if let Some(failure) = failure {
                    assert_eq!(failure.is_out_of_space(), fault == Fault::OutOfSpace, "{failure}");
                    n_failures += 1;
                }
            }
        }
        let may_fail = !matches!(op, Op::Truncate);
        assert!(!may_fail || 0 < n_failures, "{op:?} never failed");
        if matches!(op, Op::Write | Op::Sync) {
            assert!(30 < n_failures, "{op:?} failed {n_failures} times");
        }
    }
}

#[test]
fn interrupted_and_short_operations_never_fail() {
    for op in Op::ALL {
        for fault in [Fault::Interrupted, Fault::Short] {
            for n in 0..12 {
                let (failure, _) = run(op, n, fault);
                assert!(failure.is_none(), "{op:?} {n} {fault:?}: {failure:?}");
            }
        }
    }
}

#[test]
fn a_log_works_again_once_there_is_space() {
    let memory = MemDisk::new();
    let disk = FaultyDisk::new(Arc::new(memory));
    let (log, _) = open(&disk, options(SEGMENT)).unwrap();
    let first = append_durable(&log, 0, 50).unwrap();
    disk.fail_all_after(Op::Write, 0, Fault::OutOfSpace);
    // Of less than a page all of the group may be in the half that is written.
    let failure = append_durable(&log, 1, 600).unwrap_err();
    assert!(failure.is_out_of_space(), "{failure}");
    drop(log);
    assert!(open(&disk, options(SEGMENT)).unwrap_err().is_out_of_space());
    disk.heal();
    let (log, found) = open(&disk, options(SEGMENT)).unwrap();
    assert_eq!(found, [first]);
    append_durable(&log, 1, 50).unwrap();
}

/// Several lives of one log; each ends by a sync that fails and a loss of power.
#[test]
fn no_loss_of_power_takes_what_was_acknowledged() {
    let mut n_kept_beyond = 0;
    let mut n_lost = 0;
    for seed in 0..60 {
        let mut random = SplitMix::new(seed);
        let mut memory = MemDisk::new();
        let mut history = History::default();
        for _ in 0..5 {
            let disk = FaultyDisk::new(Arc::new(memory.clone()));
            let (log, found) = open(&disk, options(SEGMENT)).unwrap();
            assert_eq!(found, history.appended);
            history.n_acknowledged = found.len();
            disk.fail_after(Op::Sync, random.up_to(12), Fault::Io);
            // Syncs of new segments fail too; that is no failure of the log until it needs them.
            let _failure = history.append(&log, 1 + random.up_to(20)).err();
            memory = memory.after_power_loss(random.next_u64());
            drop(log);
            let n_found = history.check(&memory.after_process_death());
            n_kept_beyond += n_found - history.n_acknowledged;
            n_lost += history.appended.len() - n_found;
            history.appended.truncate(n_found);
        }
    }
    assert!(0 < n_kept_beyond && 0 < n_lost, "{n_kept_beyond} {n_lost}: both kinds were met");
}
