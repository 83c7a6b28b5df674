use exposure_core::{ErrorCode, Kind, Limits, Owner};

use super::support::{Bench, PROJECT, arrival, at, send_all};
use crate::suite::history::{Arrival, Break, Event};
use crate::suite::{MakeHarness, block_on};
use crate::{Batch, KeyId, Reject, UsageRow, UsageTier};

/// The last rejected events with their reasons, newest first; counted also when not kept.
pub fn rejects_are_kept_and_counted(make: MakeHarness<'_>) {
    let limits = Limits { rejects_kept: 5, ..Limits::default() };
    let mut bench = Bench::new(make(), limits);
    let origin = arrival(Event::default()).origin;
    let reject = Reject {
        code: ErrorCode::Missing,
        field: "flag_key",
        message: "is missing",
        user: "",
        device: "",
        event: b"{\"a\":1}",
        library: "sdk/1.0",
    };
    let named = [
        reject,
        Reject { user: "ann", device: "d1", code: ErrorCode::TooLong, ..reject },
        Reject { device: "d1", ..reject },
    ];
    for chunk in [&named[..1], &named[1..], &named[..], &named[..]] {
        let batch = Batch { origin, events: &[], rejects: chunk };
        block_on(bench.store().commit(&batch)).expect("rejects are kept");
        bench.interrupt(Break::Kill);
    }
    for how in [Break::None, Break::Reopen] {
        bench.interrupt(how);
        let store = bench.store();
        let kept = block_on(store.rejects(PROJECT, None, 100)).expect("rejects are read");
        let d1 = || Some(Owner::Device("d1".into()));
        let ann = || Some(Owner::User("ann".into()));
        let names: Vec<_> = kept.iter().map(|reject| reject.named.clone()).collect();
        assert_eq!(names, [d1(), ann(), None, d1(), ann()], "the last five, newest first");
        assert!(kept.is_sorted_by(|a, b| a.position > b.position), "by position");
        assert!(kept.iter().all(|r| &*r.event == b"{\"a\":1}" && r.key == origin.key));
        assert!(kept.iter().all(|r| r.received == origin.received && &*r.field == "flag_key"));
        assert!(kept.iter().all(|r| &*r.message == "is missing" && &*r.library == "sdk/1.0"));
        let second = block_on(store.rejects(PROJECT, Some(kept[1].position), 2));
        assert_eq!(second.expect("rejects are read"), kept[2..4], "a page below the second");
        let others = block_on(store.rejects(crate::ProjectId(2), None, 9));
        assert_eq!(others.expect("rejects are read"), [], "another project's");
        let senders = block_on(store.senders(PROJECT)).expect("senders are read");
        let reasons = [(ErrorCode::Missing, 6), (ErrorCode::TooLong, 3)];
        assert_eq!(senders.len(), 1);
        assert_eq!(senders[0].rejected, reasons, "all nine are counted");
    }
}

/// Usage is by the day of receipt in UTC, a duplicate once, to the second of midnight.
pub fn usage_is_by_day_of_receipt(make: MakeHarness<'_>) {
    let mut bench = Bench::new(make(), Limits::default());
    if bench.store().capabilities().usage != UsageTier::AtOnce {
        return;
    }
    let day = at(0).day() + 1;
    let midnight = exposure_core::Timestamp::start_of_day(day);
    let event =
        |n: i64| Event::exposure("ann", "flag", Some("on"), at(n)).with_insert_id(&format!("i{n}"));
    for (n, received) in
        [(1, midnight.plus_micros(-1)), (2, midnight), (3, midnight), (3, midnight)]
    {
        let mut arrival: Arrival = arrival(event(n));
        arrival.origin.received = received;
        arrival.origin.key = KeyId(9);
        send_all(&*bench.store(), &[arrival]);
        bench.interrupt(Break::Kill);
    }
    let row = |day, events| UsageRow {
        day,
        kind: Kind::Exposure,
        event_type: exposure_core::names::EXPOSURE.into(),
        key: KeyId(9),
        library: "".into(),
        events,
    };
    let usage = |from, to| block_on(bench.store().usage(PROJECT, from, to)).expect("is read");
    assert_eq!(usage(day - 1, day), [row(day - 1, 1), row(day, 2)]);
    assert_eq!(usage(day, day), [row(day, 2)]);
    assert_eq!(usage(day + 1, day + 9), []);
}
