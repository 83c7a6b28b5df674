use exposure_core::{Limits, RawId, Timestamp};

use super::support::{Bench, PROJECT, arrival, at, send, send_all};
use crate::suite::history::{Arrival, Break, Event};
use crate::suite::{MakeHarness, block_on};
use crate::{Committed, DedupeTier, INSERT_ID_WINDOW_MICROS, Origin, ProjectId};

fn on() -> Event {
    Event::exposure("ann", "flag", Some("on"), at(1)).with_insert_id("i1")
}

fn is_new(result: &Committed) -> bool {
    matches!(result, Committed::Merged(_))
}

const DUPLICATE: Committed = Committed::Duplicate { conflict: false };
const CONFLICT: Committed = Committed::Duplicate { conflict: true };

/// A duplicate until seven days after the commit that brought the id; new a day after that.
pub fn an_insert_id_lives_seven_days(make: MakeHarness<'_>) {
    let mut bench = Bench::new(make(), Limits::default());
    if bench.store().capabilities().dedupe != DedupeTier::Exact {
        return;
    }
    let now_at = |now: Timestamp| {
        let arrival = arrival(on());
        // Receive times are an import's: the window goes by the clock.
        [Arrival { origin: Origin { now, ..arrival.origin }, ..arrival }]
    };
    let first = at(10_000_000);
    let last = first.plus_micros(INSERT_ID_WINDOW_MICROS);
    let after = last.plus_micros(86_400_000_001);
    assert!(is_new(&send_all(&*bench.store(), &now_at(first))[0]));
    assert_eq!(send_all(&*bench.store(), &now_at(first.plus_micros(1)))[0], DUPLICATE);
    bench.interrupt(Break::Kill);
    assert_eq!(send_all(&*bench.store(), &now_at(last))[0], DUPLICATE, "seven days to the end");
    assert!(is_new(&send_all(&*bench.store(), &now_at(after))[0]), "a duplicate extends nothing");
    bench.interrupt(Break::Reopen);
    assert_eq!(send_all(&*bench.store(), &now_at(after.plus_micros(9)))[0], DUPLICATE);
    let owner = RawId::User("ann");
    let history = block_on(bench.store().history(PROJECT, owner)).expect("a history is read");
    assert_eq!(history.len(), 2, "each first one is stored");
}

/// The same id elsewhere is another id; without an id every event is new.
pub fn insert_ids_are_scoped_to_project_and_owner(make: MakeHarness<'_>) {
    let bench = Bench::new(make(), Limits::default());
    let store = bench.store();
    if store.capabilities().dedupe != DedupeTier::Exact {
        return;
    }
    let anonymous = || on().anonymous("d1");
    let results = send(
        &*store,
        vec![
            on(),
            on(),
            on().on_device("d1"),
            // The device owns the id, so this is a retry of other content.
            anonymous(),
            anonymous().anonymous("d2"),
            anonymous().anonymous("ann"),
            Event { insert_id: None, ..on() },
            Event { insert_id: Some(""), ..on() },
        ],
    );
    let new: Vec<bool> = results.iter().map(is_new).collect();
    assert_eq!(new, [true, false, true, false, true, true, true, true]);
    assert_eq!((&results[1], &results[3]), (&DUPLICATE, &CONFLICT));

    let there = arrival(on());
    let origin = Origin { project: ProjectId(2), ..there.origin };
    assert!(is_new(&send_all(&*store, &[Arrival { origin, ..there }])[0]), "another project");

    // Time, sequence and metadata are no content; the variant and the run are.
    let later = Event { time: exposure_core::EventTime::At(at(9)), sequence: 4, ..on() };
    let off = Event::exposure("ann", "flag", Some("off"), at(1)).with_insert_id("i1");
    let unset = Event::exposure("ann", "flag", None, at(1)).with_insert_id("i1");
    assert_eq!(send(&*store, vec![later, off, unset]), [DUPLICATE, CONFLICT, CONFLICT]);
}

/// Of duplicates a count and the last ten.
pub fn duplicates_are_kept_for_explain(make: MakeHarness<'_>) {
    let mut bench = Bench::new(make(), Limits::default());
    if bench.store().capabilities().dedupe != DedupeTier::Exact {
        return;
    }
    send(&*bench.store(), vec![on()]);
    for n in 0..13_i64 {
        let mut retry = arrival(on());
        retry.origin.received = at(4_000_000 + n);
        send_all(&*bench.store(), &[retry]);
    }
    bench.interrupt(Break::Kill);
    let owner = RawId::User("ann");
    let kept = block_on(bench.store().duplicates(PROJECT, owner)).expect("duplicates are read");
    let received: Vec<Timestamp> = kept.last.iter().map(|duplicate| duplicate.received).collect();
    assert_eq!(kept.count, 13);
    assert_eq!(received, (3..13).map(|n| at(4_000_000 + n)).collect::<Vec<_>>());
    assert!(kept.last.iter().all(|last| &*last.insert_id == "i1" && !last.conflict));
    assert!(kept.last.iter().all(|last| last.flag.as_deref() == Some("flag")));
}
