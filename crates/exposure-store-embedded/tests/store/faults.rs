//! Whatever fails, and whenever the process dies or the power goes: acknowledged ⊆ stored ⊆ sent,
//! each once, and the state is that of what is stored.
//!
//! The script runs in parts, each from a copy of what the ones before left behind. In the log and
//! the checkpoint every operation is struck; in other files every n-th one.

use std::collections::BTreeMap;
use std::sync::Arc;

use exposure_store::Error;
use exposure_store_embedded::EmbeddedStore;
use exposure_store_embedded::disk::{Fault, FaultyDisk, MemDisk, Op};
use parking_lot::Mutex;

use super::sabotage::{Flaky, Part, Place, Sabotage, Strike, in_parallel, say, stride};
use super::workload::{N_EVENTS, Phase, Run, check_steady, open};

/// Where a part of the script begins: the disk, and what became of the script before.
pub(crate) struct Start {
    pub(crate) phase: Phase,
    pub(crate) memory: MemDisk,
    pub(crate) run: Run,
    /// How often the part does each operation when nothing fails.
    pub(crate) counts: BTreeMap<Place, u64>,
}

struct Case<'s> {
    start: &'s Start,
    strike: Strike,
}

#[derive(Debug)]
struct Outcome {
    place: Place,
    n_hits: u64,
    /// The steps that failed.
    failed: Vec<&'static str>,
}

pub(crate) fn starts() -> Vec<Start> {
    let (memory, mut run) = (MemDisk::new(), Run::default());
    let starts = Phase::ALL.map(|phase| {
        let (before, run_before) = (memory.after_process_death(), run.clone());
        let (disk, sabotage) = Sabotage::on(&memory, None);
        sabotage.arm(true);
        run.phase(phase, &disk, |_, store| check_steady(store));
        Start { phase, memory: before, run: run_before, counts: sabotage.counts() }
    });
    assert_eq!((run.failures.len(), run.acknowledged.len()), (0, N_EVENTS), "{run:?}");
    let mut starts = Vec::from(starts);
    starts.push(torn(&starts[0]));
    starts
}

/// Where the power went while the log was written.
fn torn(first: &Start) -> Start {
    let memory = first.memory.after_process_death();
    let found: Arc<Mutex<Vec<(MemDisk, Run)>>> = Arc::default();
    let current = Arc::new(Mutex::new(first.run.clone()));
    let look = {
        let (memory, found, current) = (memory.clone(), Arc::clone(&found), Arc::clone(&current));
        move |place: Place| {
            if place == (Part::Log, Op::Sync) {
                let mut run = current.lock().clone();
                run.sent.extend(0..N_EVENTS);
                let lost = (0..8).map(|seed| (memory.after_power_loss(seed), run.clone()));
                found.lock().extend(lost);
            }
        }
    };
    let (disk, sabotage) = Sabotage::watched(&memory, look);
    sabotage.arm(true);
    first.run.clone().phase(first.phase, &disk, |run, _| *current.lock() = run.clone());
    let found = std::mem::take(&mut *found.lock());
    let starts = found.into_iter().map(|(memory, run)| {
        let copy = memory.after_process_death();
        let (disk, sabotage) = Sabotage::on(&copy, None);
        sabotage.arm(true);
        run.clone().phase(Phase::Third, &disk, |_, _| {});
        Start { phase: Phase::Third, memory, run, counts: sabotage.counts() }
    });
    // The one with the most to put right.
    let in_log = |(place, n): (&Place, &u64)| if place.0 == Part::Log { *n } else { 0 };
    starts.max_by_key(|start| start.counts.iter().map(in_log).sum::<u64>()).unwrap()
}

/// Every how many operations of a place one is struck.
pub(crate) fn step(phase: Phase, place: Place) -> usize {
    match place {
        // Reads come in thousands: each section's, at each open.
        (Part::Others, _) | (_, Op::Read) => stride(),
        // The second part writes them the same way, and all are struck there.
        place if is_section(place) && phase == Phase::First => stride(),
        _ => 1,
    }
}

/// Writes of sections are by far the most: there are as many as shards. Most are of nothing.
fn is_section(place: Place) -> bool {
    place == (Part::Checkpoint, Op::Write)
}

/// The ways in which an operation can fail so that it is noticed.
fn failures(place: Place) -> Vec<(Fault, bool)> {
    let mut ways = vec![(Fault::Io, false)];
    if !matches!(place.1, Op::Read | Op::List | Op::Remove) {
        ways.push((Fault::OutOfSpace, true));
    }
    // Of a section it makes no difference whether what comes later would fail: nothing does.
    if !is_section(place) {
        ways.push((Fault::Io, true));
    }
    ways
}

fn cases(starts: &[Start]) -> Vec<Case<'_>> {
    let mut cases = Vec::new();
    for start in starts {
        for (&place, &count) in &start.counts {
            for (turn, (fault, lasts)) in failures(place).into_iter().enumerate() {
                // A disk that fails for good is no other than one that fails once: a checkpoint is
                // not tried again within the script.
                let is_alike = lasts && fault == Fault::Io && place.0 == Part::Checkpoint;
                let step = if is_alike { stride() } else { step(start.phase, place) };
                for after in (turn % step..count as usize).step_by(step) {
                    let strike = Strike { place, after: after as u64, fault, lasts };
                    cases.push(Case { start, strike });
                }
            }
        }
    }
    cases
}

pub(crate) fn look(memory: &MemDisk, what: &dyn std::fmt::Debug) -> EmbeddedStore {
    match open(memory) {
        Ok(store) => store,
        Err(error) => panic!("{what:?}: can not be opened again: {error}"),
    }
}

/// Runs a part of the script with a fault, and looks at what is left.
fn strike(case: &Case<'_>) -> Outcome {
    let memory = case.start.memory.after_process_death();
    let (disk, sabotage) = Sabotage::on(&memory, Some(case.strike));
    sabotage.arm(true);
    let mut run = case.start.run.clone();
    let (op, seed) = (case.strike.place.1, case.strike.after);
    let mut at_failure = None;
    run.phase(case.start.phase, &disk, |run, store| {
        let reads_work = !matches!(op, Op::Read | Op::Open | Op::List);
        if reads_work && run.acknowledged.contains(&0) {
            check_steady(store);
        }
        if at_failure.is_none() && !run.failures.is_empty() {
            at_failure = Some((run.clone(), memory.after_power_loss(seed)));
        }
    });
    let what = (case.start.phase, case.strike);
    assert!(!memory.forgot_too_soon(), "{what:?}");
    for (step, error) in &run.failures {
        // Nothing is damaged: whoever reads "damaged" looks for a backup.
        assert!(!matches!(error, Error::Corrupt { .. }), "{what:?} {step}: {error}");
    }
    // Sections are many: each is looked at in one way for each of the two failures.
    let (is_section, lasts) = (is_section(case.strike.place), case.strike.lasts);
    if let Some((run, found)) = at_failure.filter(|_| !(is_section && lasts)) {
        run.check(&look(&found, &(what, "lost power when it failed")));
    }
    if !is_section || lasts {
        let died = (what, "died");
        run.check_retry(&look(&memory.after_process_death(), &died), &format!("{died:?}"));
    }
    if !is_section {
        let lost = (what, "lost power");
        run.check(&look(&memory.after_power_loss(seed + 1), &lost));
    }
    let failed = run.failures.iter().map(|(step, _)| *step).collect();
    Outcome { place: case.strike.place, n_hits: sabotage.n_hits(), failed }
}

#[test]
fn every_operation_may_fail() {
    let starts = starts();
    let cases = cases(&starts);
    let began = std::time::Instant::now();
    let outcomes = in_parallel(&cases, strike);
    let mut by_op: BTreeMap<Op, (u64, usize, usize)> = BTreeMap::new();
    let (mut n_missed, mut n_failed) = (0, 0);
    for outcome in &outcomes {
        let (n_hits, n_failures, n_commits) = by_op.entry(outcome.place.1).or_default();
        *n_hits += outcome.n_hits;
        *n_failures += outcome.failed.len();
        *n_commits += outcome.failed.iter().filter(|step| **step == "commit").count();
        n_missed += usize::from(outcome.n_hits == 0);
        n_failed += usize::from(!outcome.failed.is_empty());
    }
    let of = |part| cases.iter().filter(|case| case.strike.place.0 == part).count();
    let mut struck: BTreeMap<(Part, Op, &str), u64> = BTreeMap::new();
    for case in &cases {
        let Strike { place: (part, op), fault, .. } = case.strike;
        let name = if fault == Fault::Io { "EIO" } else { "ENOSPC" };
        *struck.entry((part, op, name)).or_default() += 1;
    }
    say(&format!("faults in turn: {struck:?}"));
    say(&format!(
        "faults: {} cases ({} of the log, {} of the checkpoint, {} of other files), {n_failed} of \
         them with a step that failed, {n_missed} not struck because the operation did not come, \
         in {:?}",
        outcomes.len(),
        of(Part::Log),
        of(Part::Checkpoint),
        of(Part::Others),
        began.elapsed(),
    ));
    assert_eq!(outcomes.len(), cases.len());
    for op in Op::ALL.into_iter().filter(|op| *op != Op::Read) {
        let (n_hits, n_failures, n_commits) = by_op.get(&op).copied().unwrap_or_default();
        assert!(n_hits > 0, "{op:?} was never struck");
        assert!(n_failures > 0, "{op:?} never failed");
        if matches!(op, Op::Write | Op::Sync) {
            assert!(n_commits > 0, "no commit failed by {op:?}");
        }
    }
}

#[test]
fn interrupted_and_short_operations_are_not_noticed() {
    for fault in [Fault::Interrupted, Fault::Short] {
        let memory = MemDisk::new();
        let flaky = Arc::new(Flaky::new(fault));
        let disk = FaultyDisk::with_saboteur(Arc::new(memory.clone()), Arc::<Flaky>::clone(&flaky));
        let run = Run::script(&disk, |_, store| check_steady(store));
        assert!(run.failures.is_empty(), "{fault:?}: {run:?}");
        assert_eq!(run.acknowledged.len(), N_EVENTS);
        run.check_retry(&look(&memory.after_process_death(), &fault), "died");
        run.check_retry(&look(&memory.after_power_loss(1), &fault), "lost power");
        let hits = flaky.hits();
        say(&format!("faults: {fault:?} struck {hits:?}"));
        let expected = |op: &Op| fault == Fault::Interrupted || matches!(op, Op::Read | Op::Write);
        for op in Op::ALL.iter().filter(|op| expected(op)) {
            assert!(hits.contains_key(op), "{op:?} was never struck by {fault:?}");
        }
    }
}

/// What is found of the script when the process dies or the power goes before an operation.
struct Found {
    phase: Phase,
    place: Place,
    run: Run,
    memory: MemDisk,
    has_died: bool,
}

#[test]
fn a_crash_may_come_before_every_operation() {
    let began = std::time::Instant::now();
    let (mut n_cases, mut last) = (0, 0);
    for start in starts() {
        let memory = start.memory.after_process_death();
        let found: Arc<Mutex<Vec<Found>>> = Arc::default();
        let current = Arc::new(Mutex::new(start.run.clone()));
        let looked = {
            let (memory, found, current) =
                (memory.clone(), Arc::clone(&found), Arc::clone(&current));
            let (phase, counts) = (start.phase, Mutex::new(BTreeMap::<Place, usize>::new()));
            move |place: Place| {
                let n = {
                    let mut counts = counts.lock();
                    let n = counts.entry(place).or_default();
                    *n += 1;
                    *n - 1
                };
                if matches!(place.1, Op::Read | Op::List) || n % step(phase, place) != 0 {
                    return;
                }
                // What is acknowledged is asked for before, what is sent is known before it is done.
                let run = current.lock().clone();
                for has_died in [true, false] {
                    if has_died && is_section(place) {
                        continue;
                    }
                    let memory = if has_died {
                        memory.after_process_death()
                    } else {
                        memory.after_power_loss(n as u64)
                    };
                    found.lock().push(Found { phase, place, run: run.clone(), memory, has_died });
                }
            }
        };
        let (disk, sabotage) = Sabotage::watched(&memory, looked);
        sabotage.arm(true);
        let mut run = start.run.clone();
        run.sent.extend(0..N_EVENTS);
        *current.lock() = run.clone();
        run.phase(start.phase, &disk, |run, _| *current.lock() = run.clone());
        let found = std::mem::take(&mut *found.lock());
        n_cases += in_parallel(&found, |found| {
            let what = (found.phase, found.place, found.has_died);
            found.run.check_retry(&look(&found.memory, &what), &format!("{what:?}"));
        })
        .len();
        last = found.len();
    }
    say(&format!("faults: {n_cases} crashes in {:?}", began.elapsed()));
    assert!(last > 0);
}
