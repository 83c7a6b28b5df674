//! Every operation of the log and the checkpoint is interrupted by a signal, or done by half, in turn, and
//! nobody notices.

use std::collections::BTreeMap;

use exposure_store_embedded::disk::{Fault, Op};

use super::faults::{Start, look, starts, step};
use super::sabotage::{Part, Sabotage, Strike, in_parallel, say};

/// What is interrupted, and what can be done by half.
const INTERRUPTED: [Op; 7] =
    [Op::Open, Op::Write, Op::Truncate, Op::Allocate, Op::Sync, Op::SyncDir, Op::Rename];
const CUT_SHORT: [Op; 2] = [Op::Write, Op::Read];

fn strikes(start: &Start) -> Vec<Strike> {
    let mut strikes = Vec::new();
    for (&place, &count) in &start.counts {
        let (part, op) = place;
        if part == Part::Others {
            continue;
        }
        let ways = [(Fault::Interrupted, &INTERRUPTED[..]), (Fault::Short, &CUT_SHORT)];
        for (fault, _) in ways.into_iter().filter(|(_, ops)| ops.contains(&op)) {
            for after in (0..count).step_by(step(start.phase, place)) {
                strikes.push(Strike { place, after, fault, lasts: false });
            }
        }
    }
    strikes
}

#[test]
fn every_operation_may_be_interrupted_or_cut_short() {
    let began = std::time::Instant::now();
    let mut counts: BTreeMap<(Part, Op, &str), u64> = BTreeMap::new();
    for start in starts() {
        let strikes = strikes(&start);
        let hits = in_parallel(&strikes, |strike| {
            let memory = start.memory.after_process_death();
            let (disk, sabotage) = Sabotage::on(&memory, Some(*strike));
            sabotage.arm(true);
            let mut run = start.run.clone();
            run.phase(start.phase, &disk, |_, _| {});
            let what = (start.phase, strike);
            assert!(run.failures.is_empty(), "{what:?}: {run:?}");
            run.check(&look(&memory.after_power_loss(strike.after), &what));
            (strike.place, strike.fault, sabotage.n_hits())
        });
        for ((part, op), fault, n_hits) in hits {
            let name = if fault == Fault::Short { "short" } else { "EINTR" };
            *counts.entry((part, op, name)).or_default() += n_hits;
        }
    }
    say(&format!("faults in turn, none of them noticed, in {:?}: {counts:?}", began.elapsed()));
    for part in [Part::Log, Part::Checkpoint] {
        for op in [Op::Open, Op::Write, Op::Sync, Op::Rename] {
            assert!(counts.get(&(part, op, "EINTR")).is_some_and(|n| *n > 0), "{part:?} {op:?}");
        }
        assert!(counts.get(&(part, Op::Write, "short")).is_some_and(|n| *n > 0), "{part:?}");
    }
}
